"""Advice on what to do next about boxes, in plain words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from stages.artifacts import Measure
from stages.evaluate.boxes.mistakes import MISSED, Mistake
from stages.evaluate.boxes.small import Small
from stages.evaluate.confused import ConfusedPair, confusion_advice
from stages.evaluate.few import few_tested
from stages.evaluate.formatting import (
    are,
    capital,
    counted,
    interval,
    listed,
    measured,
    percent,
    rough,
)
from stages.evaluate.needed import Needed
from stages.evaluate.verdict import Judgement
from stages.metrics import Measured
from stages.metrics.boxes import FALSE, MISPLACED, WRONG

MARGIN = 0.05
_GATES = 3
_WEAK = 0.95  # a label with a better recall needs no advice
_HOPELESS = 0.05
_OFTEN = 0.1  # of all predicted or true boxes: fewer mistakes of a sort are not mentioned
_AT_LEAST = 3


def advice(
    measures: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    confused: Sequence[ConfusedPair],
    small: Small | None,
    needed: Needed,
    *,
    weakest: bool = True,
) -> list[str]:
    """What to do next, the most useful first. `weakest`: say which label is found least often."""
    true, ap = _true(measures), measures.overall["ap50"]
    if not true:
        return [_unmarked(needed.noun, len(wrong))]
    if ap.value < _HOPELESS and ap.high < 0.5:
        return [_learnt_nothing(needed.noun), *_untested(measures, needed.noun)]
    open_gates = [judgement for judgement in judgements if judgement.undecided]
    undecided = [needed.to_decide(judgement) for judgement in open_gates][:_GATES]
    missed = any(judgement.outcome == "missed" for judgement in judgements)
    few = needed.at_least(few_tested(measures), "box")
    lines = [] if missed else few + undecided
    lines += _suspicious(wrong, needed.noun)
    lines += _weakest(measures, wrong, needed) if weakest else []
    lines += small.advice(needed.noun) if small else []
    lines += _false(measures, wrong, needed.noun) + _misplaced(wrong, true)
    mixed_up = sum(lines.sort == WRONG for lines in wrong)
    lines += _mixed_up(confused, mixed_up, needed.noun) if mixed_up >= _AT_LEAST else []
    lines += (few + undecided if missed else []) + _untested(measures, needed.noun)
    return lines or [_nothing_wrong(measures, needed.noun)]


def _true(measures: Measured) -> int:
    return sum(int(each["support"].value) for each in measures.labels.values())


def _unmarked(noun: str, false: int) -> str:
    note = f" All {false} boxes that the model predicts there are false alarms." if false else ""
    return f"No test {noun} has a box, so nothing can be measured: add {noun}s with boxes.{note}"


def _learnt_nothing(noun: str) -> str:
    return (
        f"The model finds next to nothing. Check on the data page whether the boxes are on the "
        f"objects that they name; if so, train longer (train.budget_minutes) or on more {noun}s."
    )


def _suspicious(wrong: Sequence[Mistake], noun: str) -> list[str]:
    names = {mistake.name for mistake in wrong if mistake.suspicious}
    if not names:
        return []
    return [
        f"Check the annotations of {counted(len(names), noun)} first (marked below): the model "
        "is as sure of boxes there as of right ones, but nothing is annotated."
    ]


def _weakest(measures: Measured, wrong: Sequence[Mistake], needed: Needed) -> list[str]:
    recalls = {label: each["recall"] for label, each in measures.labels.items() if each["recall"].n}
    label = min(recalls, key=lambda name: (recalls[name].value, recalls[name].n))
    recall = recalls[label]
    missing = needed.to_narrow(recall, MARGIN)
    know = _know(label, recall, missing, needed) if missing else ""
    lost = recall.n - round(recall.n * recall.value)
    if recall.value >= _WEAK and not missing:
        return []
    if not lost:
        return [f"Least is known about '{label}': {know}"]
    return [
        f"The weakest label is '{label}': {lost} of its {recall.n} boxes {are(lost)} not found"
        f"{_how(label, wrong)}. More training {needed.noun}s with it will help most."
        + (f" {capital(know)}" if know else "")
    ]


def _how(label: str, wrong: Sequence[Mistake]) -> str:
    """How its boxes are missed, if in several ways."""
    sorts = Counter(mistake.sort for mistake in wrong if mistake.true == label)
    if len(sorts) < 2:
        return ""
    names: Mapping[str, str] = {MISSED: "overlooked", WRONG: "with another label"}
    counts = [f"{count} {names.get(sort, sort)}" for sort, count in sorts.most_common()]
    return f" ({', '.join(counts)})"


def _know(label: str, recall: Measure, missing: int, needed: Needed) -> str:
    samples = rough(needed.samples(label, missing))
    amount = counted(samples, f"more test {needed.noun}")
    amount = needed.to_collect(samples, label) if needed.grouped else amount
    test = f"{amount} with it{needed.in_all(samples)}"
    return (
        f"its recall is only known to be in {interval(recall)}; about {test} would narrow that to "
        "±5 points."
    )


def _false(measures: Measured, wrong: Sequence[Mistake], noun: str) -> list[str]:
    predicted_boxes = measures.overall["micro_precision"].n
    alarms = sum(mistake.sort == FALSE and not mistake.again for mistake in wrong)
    again = sum(mistake.again for mistake in wrong)
    lines = []
    if alarms >= _AT_LEAST and alarms > _OFTEN * predicted_boxes:
        lines.append(
            f"{alarms} of {predicted_boxes} predicted boxes are false alarms on the background: "
            f"add training {noun}s of such scenes without objects, and so without boxes."
        )
    if again >= _AT_LEAST and again > _OFTEN * predicted_boxes:
        lines.append(
            f"{again} of {predicted_boxes} predicted boxes are second boxes on one object: check "
            "whether each object is annotated once, and as a whole."
        )
    return lines


def _misplaced(wrong: Sequence[Mistake], true: int) -> list[str]:
    count = sum(mistake.sort == MISPLACED for mistake in wrong)
    if count < _AT_LEAST or count <= _OFTEN * true:
        return []
    return [
        f"{count} boxes are on the right object but badly placed: check whether all annotations "
        "are drawn the same way, tightly around the visible part; then train longer or at a "
        "larger input size."
    ]


def _mixed_up(confused: Sequence[ConfusedPair], count: int, noun: str) -> list[str]:
    return confusion_advice(confused, count, noun, "wrong labels")


def _untested(measures: Measured, noun: str) -> list[str]:
    names = [label for label, each in measures.labels.items() if not each["support"].value]
    if not names:
        return []
    quoted = listed([f"'{name}'" for name in names], "label", most=10)
    return [f"No test {noun} has a box of {quoted}: nothing is known about it."]


def _nothing_wrong(measures: Measured, noun: str) -> str:
    recall = measures.overall["micro_recall"]
    return (
        f"No weakness stands out: {measured(recall)} of {recall.n} boxes are found, so up to "
        f"{percent(1 - recall.low)} of all may be missed. Keep testing with new {noun}s from "
        "where the model will be used."
    )
