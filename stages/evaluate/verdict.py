"""Ship, do not ship, or undecided: a gate on each measure, and its interval against that gate.

A gate is reached if the interval's lower bound reaches it. It is missed if the measured value
itself is below it: the best guess is then that the model is not good enough, and a model must not
be deployed on the hope that the test was unlucky. Between the two more test samples are needed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from stages.artifacts import Measure
from stages.config.evaluate import EVERY_LABEL, LABEL_GATE
from stages.metrics import Measured
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

Outcome = Literal["reached", "missed", "undecided"]
Verdict = Literal["ship", "do not ship", "undecided"]


class Judgement(NamedTuple):
    """One gate: the metric's name as in the config, what was asked, what was measured.

    `guessed` is the commonest label if the gate is that of guessing it always, else empty."""

    name: str
    gate: float
    measure: Measure
    outcome: Outcome
    guessed: str = ""


def judge(
    gate: Mapping[str, float], measured: Measured, unasked: Callable[[Measured], Judgement]
) -> list[Judgement]:
    """Hold `measured` against each gate; by `unasked` if there is none.

    Raises ConfigError for a gate on a label that the model does not know."""
    if not gate:
        return [unasked(measured)]
    wanted = [pair for name, value in gate.items() for pair in _spread(name, value, measured)]
    return [
        Judgement(name, value, measure, outcome(measure, value)) for name, value, measure in wanted
    ]


def outcome(measure: Measure, gate: float) -> Outcome:
    """How `measure` stands to `gate`, by its value and the lower bound of its interval.

    Where nothing was counted, nothing is known."""
    if not measure.n:
        return "undecided"
    if measure.low >= gate:
        return "reached"
    return "missed" if measure.value < gate else "undecided"


def verdict(judgements: Sequence[Judgement]) -> Verdict:
    """The worst of the outcomes."""
    outcomes = {one.outcome for one in judgements}
    if "missed" in outcomes:
        return "do not ship"
    return "undecided" if "undecided" in outcomes else "ship"


def against_guessing(measured: Measured) -> Judgement:
    """The least to ask for: better than always guessing the commonest label."""
    supports = {label: each["support"] for label, each in measured.labels.items()}
    commonest = max(supports, key=lambda label: supports[label].value)
    share = supports[commonest].value / supports[commonest].n
    accuracy = measured.overall["accuracy"]
    result = outcome(accuracy, share)
    # to be as good as guessing is not to be better
    result = "missed" if accuracy.value <= share else result
    return Judgement("accuracy", share, accuracy, result, commonest)


def _spread(name: str, value: float, measured: Measured) -> list[tuple[str, float, Measure]]:
    found = LABEL_GATE.fullmatch(name)
    if not found:
        return [(name, value, measured.overall[name])]
    metric, label = found.groups()
    if label in measured.labels:
        return [(name, value, measured.labels[label][metric])]
    if label == EVERY_LABEL:
        each = measured.labels.items()
        return [(f"{metric} of {one}", value, measures[metric]) for one, measures in each]
    known = list(measured.labels)
    raise ConfigError(
        f"evaluate.gate names '{name}', but no label is called '{label}'.",
        f"{nearest(label, known)}There are: {', '.join(known)}.",
    )
