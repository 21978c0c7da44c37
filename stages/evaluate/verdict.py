"""The verdict: ship, do not ship, or undecided, by comparing intervals of metrics with gates.

A gate is reached if the interval's lower bound reaches it. It is missed if the measured value is
below it: the model is then most likely not good enough, and must not be deployed in the hope that
the test was unlucky. In between, more test samples are needed.

Where the test has too few samples of a label (`few.py`), the verdict is undecided at best: a gate
on that label is undecided, and any other is missed only if the whole interval lies below it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from stages.artifacts import Measure
from stages.config.evaluate import EVERY_LABEL, LABEL_GATE
from stages.evaluate.few import few_tested
from stages.metrics import Measured
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

Outcome = Literal["reached", "missed", "undecided"]
Verdict = Literal["ship", "do not ship", "undecided"]


class Judgement(NamedTuple):
    """One gate: the metric's name as in the config, the required minimum, and the measurement.

    `guessed`: the commonest label if the gate is the accuracy of always guessing it, else empty.
    `default`: the pipeline sets no gate, and this one is used instead."""

    name: str
    gate: float
    measure: Measure
    outcome: Outcome
    guessed: str = ""
    default: bool = False

    @property
    def undecided(self) -> bool:
        """Whether more samples would decide: the gate lies within the interval."""
        measure = self.measure
        inside = measure.low < self.gate <= measure.high
        return bool(measure.n) and self.outcome == "undecided" and inside


def judgements_of(
    gate: Mapping[str, float], measured: Measured, default: Callable[[Measured], Judgement]
) -> list[Judgement]:
    """Compare `measured` with each gate, or with the `default` gate if there is none.

    Raises ConfigError for a gate on a label that the model does not know, or on a metric that was
    not measured."""
    if not gate:
        return [default(measured)._replace(default=True)]
    wanted = [pair for name, value in gate.items() for pair in _spread(name, value, measured)]
    few = few_tested(measured)
    return [
        Judgement(name, value, measure, _outcome(name, measure, value, few))
        for name, value, measure in wanted
    ]


def _outcome(name: str, measure: Measure, gate: float, few: Mapping[str, int]) -> Outcome:
    found = LABEL_GATE.fullmatch(name)
    if found and found.group(2) in few:
        return "undecided"
    return outcome(measure, gate, surely=bool(few))


def outcome(measure: Measure, gate: float, *, surely: bool = False) -> Outcome:
    """Whether `measure` reaches `gate`, by its value and the lower bound of its interval; undecided
    if nothing was counted. `surely`: missed only if the upper bound, too, is below the gate."""
    if not measure.n:
        return "undecided"
    if measure.low >= gate:
        return "reached"
    return "missed" if (measure.high if surely else measure.value) < gate else "undecided"


def verdict(judgements: Sequence[Judgement], few: Mapping[str, int] | None = None) -> Verdict:
    """The worst of the outcomes; at best undecided if the test has too `few` samples of a label."""
    outcomes = {judgement.outcome for judgement in judgements}
    if "missed" in outcomes:
        return "do not ship"
    return "undecided" if few or "undecided" in outcomes else "ship"


def against_guessing(measured: Measured) -> Judgement:
    """The default gate: better accuracy than always guessing the commonest label."""
    supports = {label: each["support"] for label, each in measured.labels.items()}
    commonest = max(supports, key=lambda label: supports[label].value)
    share = supports[commonest].value / supports[commonest].n
    accuracy = measured.overall["accuracy"]
    few = bool(few_tested(measured))
    result = outcome(accuracy, share, surely=few)
    # equal to guessing is not better than guessing
    result = "missed" if (accuracy.high if few else accuracy.value) <= share else result
    return Judgement("accuracy", share, accuracy, result, commonest)


def _spread(name: str, value: float, measured: Measured) -> list[tuple[str, float, Measure]]:
    found = LABEL_GATE.fullmatch(name)
    if not found:
        return [(name, value, _overall(name, measured))]
    metric, label = found.groups()
    if label in measured.labels:
        return [(name, value, measured.labels[label][metric])]
    if label == EVERY_LABEL:
        each = measured.labels.items()
        return [
            (f"{metric} of {each_label}", value, measures[metric]) for each_label, measures in each
        ]
    names = list(measured.labels)
    raise ConfigError(
        f"evaluate.gate names '{name}', but no label is called '{label}'.",
        f"{nearest(label, names)}There are: {', '.join(names)}.",
    )


def _overall(name: str, measured: Measured) -> Measure:
    if name in measured.overall:
        return measured.overall[name]
    names = list(measured.overall)
    raise ConfigError(
        f"evaluate.gate names '{name}', and that was not measured.",
        f"{nearest(name, names)}There are: {', '.join(names)}.",
    )
