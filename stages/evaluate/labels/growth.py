"""What training told of more data, in plain words and as a plot."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from stages.evaluate.drawing import COLOURS, DASHES, Axis, Line, points
from stages.evaluate.training import Training
from stages.metrics.power_law import PowerLaw

FILE = "learning_curve.json"
FEWEST = 5  # mistakes on which anything can rest
LITTLE = 0.01  # a gain below it is hardly one
SURE, LIKELY = 0.8, 1 / 3  # of resamples in which one label gains most
SHOWN = 5  # labels
STEPS = 40

Told = Mapping[str, Any]


class Growth(NamedTuple):
    """`told`: what training found, or why it found nothing."""

    told: Told
    thing: str

    @property
    def known(self) -> bool:
        return "gain" in self.told

    @property
    def says(self) -> str:
        """How much more data would help."""
        if not self.known:
            why = str(self.told["why_not"])
            return f"How much more {self.thing}s would help cannot be told: {why}."
        return f"{self._gain} {self._first}".strip()

    @property
    def advice(self) -> list[str]:
        """It, where more data would surely help."""
        return [self.says] if self.known and self._helps else []

    @property
    def labels(self) -> list[tuple[str, str]]:
        """The labels that would gain most, with their gains."""
        if not self.known:
            return []
        gains = self.told["labels"].items()
        best = sorted(gains, key=lambda pair: (-pair[1]["value"], pair[0]))
        return [(label, _points(gain)) for label, gain in best[:SHOWN]]

    @property
    def _helps(self) -> bool:
        gain = self.told["gain"]
        return bool(gain["low"] > 0.0005 and gain["high"] > LITTLE and not self._flawless)

    @property
    def _flawless(self) -> bool:
        return bool(self.told["wrong"] < FEWEST)

    @property
    def _gain(self) -> str:
        gain, twice = self.told["gain"], f"Twice as many {self.thing}s of every label"
        if self._flawless:
            return (
                f"Of {self.told['samples']:,} held-out {self.thing}s about "
                f"{self.told['wrong']:.0f} are wrong: too few to tell what more would bring."
            )
        if gain["high"] <= LITTLE:
            return f"{twice} would hardly help: {_points(gain)} of balanced accuracy."
        if not self._helps:
            return f"It cannot be told whether {twice.lower()} would help: {_points(gain)}."
        return f"{twice} would bring about {_points(gain)} of balanced accuracy."

    @property
    def _first(self) -> str:
        label, sure = self.told["first"]["label"], self.told["first"]["sure"]
        if not self._helps or len(self.told["labels"]) < 2:
            return ""
        if sure < LIKELY:
            return "Which label would gain most cannot be told."
        gain = _points(self.told["labels"][label])
        often = "Most" if sure >= SURE else "Probably most"
        return f"{often} would be gained by '{label}': {gain} of its recall."

    @property
    def lines(self) -> list[Line]:
        """What was measured, with its bounds, and what is expected of more."""
        found, last = self.told["points"], self._most
        law = PowerLaw(*(self.told["law"][name] for name in PowerLaw._fields))
        first = found[0]["samples"]
        sizes = [first + (last - first) * step / STEPS for step in range(STEPS + 1)]
        bounds = [(one["samples"], one["low"], one["high"]) for one in found]
        gain, now = self.told["gain"], 1 - float(law.at(found[-1]["samples"]))
        bounds.append((last, now + gain["low"], min(now + gain["high"], 1.0)))
        measured = [(one["samples"] / last, one["value"]) for one in found]
        return [
            *(Line("", points([x / last] * 2, [low, high]), COLOURS[0]) for x, low, high in bounds),
            Line("measured on held-out samples", points(*zip(*measured, strict=True)), COLOURS[0]),
            Line(
                "expected: an inverse power law",
                points([one / last for one in sizes], [1 - float(law.at(one)) for one in sizes]),
                COLOURS[1],
                DASHES[1],
            ),
        ]

    @property
    def axis(self) -> Axis:
        """From none to as many samples as were asked about."""
        return Axis([(k / 4, f"{self._most * k / 4:,.0f}") for k in range(5)])

    @property
    def _most(self) -> float:
        return float(self.told["factor"] * self.told["points"][-1]["samples"])


def growth_of(training: Training, thing: str) -> Growth | None:
    """What the model's training found; None if it was not asked to."""
    if FILE not in training.model.files:
        return None
    return Growth(json.loads(training.store.get(training.model.files[FILE])), thing)


def _points(gain: Mapping[str, float]) -> str:
    """A gain with its bounds, as '+1.8 points (0.4 to 3.1)'."""
    value, low, high = (f"{100 * gain[name]:.1f}" for name in ("value", "low", "high"))
    return f"+{value} points ({low} to {high})"
