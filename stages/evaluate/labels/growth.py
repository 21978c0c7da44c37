"""The learning curve that training measured, as text and as a plot."""

import json
from collections.abc import Mapping
from math import floor
from typing import Any, NamedTuple

from stages.evaluate.drawing import COLOURS, DASHES, Axis, Line, points, step_of
from stages.evaluate.training import Training
from stages.metrics.power_law import PowerLaw

FILE = "learning_curve.json"
FEWEST = 5  # mistakes needed to estimate a gain
LITTLE = 0.01  # a gain below it is hardly one
SURE, LIKELY = 0.8, 1 / 3  # of resamples in which one label gains most
SHOWN = 5  # labels
STEPS = 40
ROOM = 0.96  # of an axis that its numbers may take

Record = Mapping[str, Any]


class Growth(NamedTuple):
    """`record`: the contents of learning_curve.json, or the reason why there is no curve."""

    record: Record
    noun: str

    @property
    def has_gain(self) -> bool:
        """Whether the gain by more data could be estimated."""
        return "gain" in self.record

    @property
    def summary(self) -> str:
        """How much more data would help."""
        if not self.has_gain:
            why = str(self.record["why_not"])
            return f"How much more {self.noun}s would help is not known: {why}."
        return f"{self._gain} {self._first}".strip()

    @property
    def advice(self) -> list[str]:
        """The summary, if more data would surely help; else nothing."""
        return [self.summary] if self.has_gain and self._helps else []

    @property
    def labels(self) -> list[tuple[str, str]]:
        """The labels that would gain most, with their gains."""
        if not self.has_gain:
            return []
        gains = self.record["labels"].items()
        best = sorted(gains, key=lambda pair: (-pair[1]["value"], pair[0]))
        return [(label, _points(gain)) for label, gain in best[:SHOWN]]

    @property
    def _helps(self) -> bool:
        gain = self.record["gain"]
        return bool(gain["low"] > 0.0005 and gain["high"] > LITTLE and not self._flawless)

    @property
    def _flawless(self) -> bool:
        return bool(self.record["wrong"] < FEWEST)

    @property
    def _gain(self) -> str:
        gain, twice = self.record["gain"], f"Twice as many {self.noun}s of every label"
        if self._flawless:
            return (
                f"Of {self.record['samples']:,} held-out {self.noun}s about "
                f"{self.record['wrong']:.0f} are wrong: too few to estimate the gain from more."
            )
        if gain["high"] <= LITTLE:
            return f"{twice} would hardly help: {_points(gain)} of balanced accuracy."
        if not self._helps:
            return f"It is not known whether {twice.lower()} would help: {_points(gain)}."
        return f"{twice} would bring about {_points(gain)} of balanced accuracy."

    @property
    def _first(self) -> str:
        label, sure = self.record["first"]["label"], self.record["first"]["sure"]
        if not self._helps or len(self.record["labels"]) < 2:
            return ""
        if sure < LIKELY:
            return "Which label would gain most is not known."
        gain = _points(self.record["labels"][label])
        often = "Most" if sure >= SURE else "Probably most"
        return f"{often} would be gained by '{label}': {gain} of its recall."

    @property
    def lines(self) -> list[Line]:
        """The measured points with their bounds, and the fitted curve up to more samples."""
        found, gain = self.record["points"], self.record["gain"]
        now = self._expected(found[-1]["samples"])
        bounds = [(point["samples"], point["low"], point["high"]) for point in found]
        bounds.append((self._most, now + gain["low"], now + gain["high"]))
        first = found[0]["samples"]
        sizes = [first + (self._most - first) * step / STEPS for step in range(STEPS + 1)]
        expected = [(size, self._expected(size)) for size in sizes]
        measured = [(point["samples"], point["value"]) for point in found]
        return [
            *(Line("", self._drawn([(x, low), (x, high)]), COLOURS[0]) for x, low, high in bounds),
            Line("measured on held-out samples", self._drawn(measured), COLOURS[0]),
            Line("expected: an inverse power law", self._drawn(expected), COLOURS[1], DASHES[1]),
        ]

    @property
    def axis(self) -> Axis:
        """Ticks from 0 to the largest number of samples that was extrapolated to."""
        step = step_of(self._most)
        count = int(ROOM * self._most / step)
        return Axis([(k * step / self._most, f"{k * step:,.0f}") for k in range(count + 1)])

    @property
    def upright(self) -> Axis:
        """Ticks of balanced accuracy, from the tenth below the lowest bound up to 1."""
        count = round((1 - self._least) * 10)
        return Axis([(k / count, f"{self._least + k / 10:.1f}") for k in range(count + 1)])

    def _drawn(self, measured: list[tuple[float, float]]) -> str:
        """Samples and balanced accuracy as points of the plot."""
        high = [(min(value, 1.0) - self._least) / (1 - self._least) for _, value in measured]
        return points([size / self._most for size, _ in measured], high)

    def _expected(self, size: float) -> float:
        return 1 - float(
            PowerLaw(*(self.record["law"][name] for name in PowerLaw._fields)).at(size)
        )

    @property
    def _least(self) -> float:
        return (
            floor(min(9.0, 10 * float(min(point["low"] for point in self.record["points"])))) / 10
        )

    @property
    def _most(self) -> float:
        return float(self.record["factor"] * self.record["points"][-1]["samples"])


def growth_of(training: Training, noun: str) -> Growth | None:
    """The learning curve of the model's training; None if it was not measured."""
    if FILE not in training.model.files:
        return None
    return Growth(json.loads(training.store.get(training.model.files[FILE])), noun)


def _points(gain: Mapping[str, float]) -> str:
    """A gain with its bounds, as '+1.8 points (0.4 to 3.1)'."""
    value, low, high = (f"{100 * gain[name]:.1f}" for name in ("value", "low", "high"))
    return f"+{value} points ({low} to {high})"
