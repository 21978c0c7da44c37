"""Advice on what to do next about labels."""

from collections.abc import Sequence

from stages.artifacts import Measure
from stages.evaluate.confused import ConfusedPair, confusion_advice
from stages.evaluate.few import few_tested
from stages.evaluate.formatting import (
    are,
    capital,
    counted,
    interval,
    measured,
    percent,
    rough,
)
from stages.evaluate.labels.mistakes import SURE, Mistake
from stages.evaluate.needed import Needed
from stages.evaluate.verdict import Judgement
from stages.metrics import Measured

MARGIN = 0.05  # an interval of ±5 points is narrow enough to act on
_GATES = 3  # undecided gates that are mentioned
_WEAK = 0.95  # a label with a better recall needs no advice
_FEW = 0.1  # with a larger share of confident mistakes the model is wrong, not the labels


def advice(
    measures: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    confused: Sequence[ConfusedPair],
    worse: Sequence[tuple[str, str, Measure]],
    needed: Needed,
    similar: Sequence[set[str]],
) -> list[str]:
    """What to do next, the most useful first. `worse`: groups of samples (column, value, accuracy)
    with a lower accuracy. `similar`: pairs of labels confused more often than by chance."""
    noun = needed.noun
    if any(
        judgement.guessed and judgement.measure.high < judgement.gate for judgement in judgements
    ):
        return [_hopeless(noun), *_unseen(measures, noun)]
    open_gates = [judgement for judgement in judgements if judgement.undecided]
    undecided = [needed.to_decide(judgement) for judgement in open_gates]
    missed = any(judgement.outcome == "missed" for judgement in judgements)
    few = few_tested(measures)
    lines = [] if missed else needed.at_least(few) + undecided[:_GATES]
    lines += _suspicious(wrong, measures, noun)
    lines += _weakest(measures, confused, needed)
    if len(measures.labels) > 2:  # of two labels there is but one pair
        near = [pair for pair in confused if {pair.label, pair.other} in similar]
        lines += confusion_advice(near, len(wrong), noun)
    lines += [_group(*group, noun) for group in worse]
    lines += needed.at_least(few) + undecided[:_GATES] if missed else []
    lines += _unseen(measures, noun)
    return lines or _nothing_wrong(measures, noun)


def _hopeless(noun: str) -> str:
    return (
        f"The model has learnt nothing that holds for new {noun}s. Check on the data page whether "
        f"the {noun}s have the right labels and whether a person could tell the labels apart; if "
        f"so, train on many more {noun}s of each label."
    )


def _group(column: str, value: str, accuracy: Measure, noun: str) -> str:
    return (
        f"{capital(noun)}s with {column} '{value}' are recognised worse than others, "
        f"{measured(accuracy)} of {accuracy.n}: add training {noun}s of these."
    )


def _weakest(measures: Measured, confused: Sequence[ConfusedPair], needed: Needed) -> list[str]:
    tested = {label: each for label, each in measures.labels.items() if each["support"].value}
    label = min(tested, key=lambda name: (tested[name]["recall"].value, tested[name]["recall"].n))
    recall = tested[label]["recall"]
    missed = round(recall.n * (1 - recall.value))
    missing = rough(needed.to_narrow(recall, MARGIN))
    if recall.value >= _WEAK and not missing:
        return []
    if not missed:
        return [f"Least is known about '{label}': {_know(label, recall, missing, needed)}"]
    weak = (
        f"The weakest label is '{label}': {missed} of its "
        f"{counted(recall.n, f'test {needed.noun}')} {are(missed)} not recognised"
        f"{_mostly(label, confused, missed)}. Add training {needed.noun}s of it"
        f"{', of other groups' if needed.grouped else ''}."
    )
    return [f"{weak} {capital(_know(label, recall, missing, needed))}" if missing else weak]


def _mostly(label: str, confused: Sequence[ConfusedPair], missed: int) -> str:
    """Which label most of them are taken for."""
    ways = [(pair.there, pair.other) for pair in confused if pair.label == label]
    ways += [(pair.back, pair.label) for pair in confused if pair.other == label]
    count, other = max(ways)
    return f", {'all' if count == missed > 1 else count} taken for '{other}'"


def _know(label: str, recall: Measure, missing: int, needed: Needed) -> str:
    amount = counted(missing, f"more test {needed.noun}")
    amount = needed.to_collect(missing, label) if needed.grouped else amount
    test = f"{amount} of it{needed.in_all(missing)}"
    return (
        f"its recall is only known to be in {interval(recall)}; about {test} would narrow that to "
        "±5 points."
    )


def _suspicious(wrong: Sequence[Mistake], measures: Measured, noun: str) -> list[str]:
    names = [mistake.name for mistake in wrong if mistake.suspicious]
    if not names or len(names) > _FEW * measures.overall["accuracy"].n:
        return []
    many = len(names) > 1
    return [
        f"Check the labels of {counted(len(names), noun)} first (marked below): the model is "
        f"at least {percent(SURE)} sure that {'they are' if many else 'it is'} something else."
    ]


def _unseen(measures: Measured, noun: str) -> list[str]:
    names = [label for label, each in measures.labels.items() if not each["support"].value]
    if not names:
        return []
    listed = ", ".join(f"'{name}'" for name in names)
    return [f"There is no test {noun} of {listed}: nothing is known about it."]


def _nothing_wrong(measures: Measured, noun: str) -> list[str]:
    accuracy = measures.overall["accuracy"]
    most = percent(1 - accuracy.low)
    return [
        f"No weakness stands out. With {counted(accuracy.n, f'test {noun}')} the true share of "
        f"mistakes may be up to {most}; keep testing with new {noun}s from where the model will "
        "be used."
    ]
