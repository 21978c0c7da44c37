"""What training told of more data, in plain words and as a plot."""

import json
from collections.abc import Mapping
from math import floor
from typing import Any, NamedTuple

from stages.evaluate.drawing import COLOURS, DASHES, Axis, Line, points, step_of
from stages.evaluate.training import Training
from stages.metrics.power_law import PowerLaw

FILE = "learning_curve.json"
FEWEST = 5  # mistakes on which anything can rest
LITTLE = 0.01  # a gain below it is hardly one
SURE, LIKELY = 0.8, 1 / 3  # of resamples in which one label gains most
SHOWN = 5  # labels
STEPS = 40
ROOM = 0.96  # of an axis that its numbers may take

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
        found, gain = self.told["points"], self.told["gain"]
        now = self._expected(found[-1]["samples"])
        bounds = [(one["samples"], one["low"], one["high"]) for one in found]
        bounds.append((self._most, now + gain["low"], now + gain["high"]))
        first = found[0]["samples"]
        sizes = [first + (self._most - first) * step / STEPS for step in range(STEPS + 1)]
        expected = [(size, self._expected(size)) for size in sizes]
        measured = [(one["samples"], one["value"]) for one in found]
        return [
            *(Line("", self._drawn([(x, low), (x, high)]), COLOURS[0]) for x, low, high in bounds),
            Line("measured on held-out samples", self._drawn(measured), COLOURS[0]),
            Line("expected: an inverse power law", self._drawn(expected), COLOURS[1], DASHES[1]),
        ]

    @property
    def axis(self) -> Axis:
        """From none to as many samples as were asked about."""
        step = step_of(self._most)
        count = int(ROOM * self._most / step)
        return Axis([(k * step / self._most, f"{k * step:,.0f}") for k in range(count + 1)])

    @property
    def upright(self) -> Axis:
        """From a tenth below all that was measured to 1."""
        count = round((1 - self._least) * 10)
        return Axis([(k / count, f"{self._least + k / 10:.1f}") for k in range(count + 1)])

    def _drawn(self, told: list[tuple[float, float]]) -> str:
        """Samples and balanced accuracy as points of the plot."""
        high = [(min(value, 1.0) - self._least) / (1 - self._least) for _, value in told]
        return points([size / self._most for size, _ in told], high)

    def _expected(self, size: float) -> float:
        return 1 - float(PowerLaw(*(self.told["law"][name] for name in PowerLaw._fields)).at(size))

    @property
    def _least(self) -> float:
        return floor(min(9.0, 10 * float(min(one["low"] for one in self.told["points"])))) / 10

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
