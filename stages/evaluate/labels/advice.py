"""What a person could do next, in plain words."""

from collections.abc import Sequence

from stages.artifacts import Measure
from stages.evaluate.confused import Pair, look_alikes
from stages.evaluate.few import few_tested
from stages.evaluate.labels.mistakes import SURE, Mistake
from stages.evaluate.needed import Needed
from stages.evaluate.verdict import Judgement
from stages.evaluate.words import (
    are,
    capital,
    counted,
    interval,
    measured,
    percent,
    rough,
)
from stages.metrics import Measured, samples_to_narrow

MARGIN = 0.05  # an interval of five points to each side tells enough to act on
_GATES = 3  # undecided ones to be told of
_WEAK = 0.95  # a label with a better recall needs none either
_FEW = 0.1  # with more sure mistakes than this it is the model that is wrong, not the labels


def advice(
    measures: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    confused: Sequence[Pair],
    worse: Sequence[tuple[str, str, Measure]],
    needed: Needed,
    alike: Sequence[set[str]],
) -> list[str]:
    """What to do next, the most useful first. `worse`: groups of samples (column, value, accuracy)
    it is worse at; `alike`: labels that are taken for each other more often than by chance."""
    thing = needed.thing
    if any(one.guessed and one.measure.high < one.gate for one in judgements):
        return [_hopeless(thing), *_unseen(measures, thing)]
    open_ones = [one for one in judgements if one.undecided]
    undecided = [needed.to_decide(one) for one in open_ones]
    missed = any(one.outcome == "missed" for one in judgements)
    few = few_tested(measures)
    said = [] if missed else needed.at_least(few) + undecided[:_GATES]
    said += _suspicious(wrong, measures, thing)
    said += _weakest(measures, confused, needed)
    if len(measures.labels) > 2:  # of two labels there is but one pair
        near = [pair for pair in confused if {pair.one, pair.other} in alike]
        said += look_alikes(near, len(wrong), thing)
    said += [_group(*one, thing) for one in worse]
    said += needed.at_least(few) + undecided[:_GATES] if missed else []
    said += _unseen(measures, thing)
    return said or _nothing_wrong(measures, thing)


def _hopeless(thing: str) -> str:
    return (
        f"The model has learnt nothing that holds for new {thing}s. Look at the data page whether "
        f"{thing}s and labels belong together and whether a person could tell the labels apart; if "
        f"so, train on many more {thing}s of each label."
    )


def _group(column: str, value: str, accuracy: Measure, thing: str) -> str:
    return (
        f"{capital(thing)}s with {column} '{value}' are recognised worse than others, "
        f"{measured(accuracy)} of {accuracy.n}: add training {thing}s of these."
    )


def _weakest(measures: Measured, confused: Sequence[Pair], needed: Needed) -> list[str]:
    seen = {label: each for label, each in measures.labels.items() if each["support"].value}
    label = min(seen, key=lambda one: (seen[one]["recall"].value, seen[one]["recall"].n))
    recall = seen[label]["recall"]
    missed = round(recall.n * (1 - recall.value))
    more = rough(max(samples_to_narrow(recall.value, MARGIN) - recall.n, 0))
    if recall.value >= _WEAK and not more:
        return []
    if not missed:
        return [f"Least is known about '{label}': {_know(recall, more, needed)}"]
    weak = (
        f"The weakest label is '{label}': {missed} of its "
        f"{counted(recall.n, f'test {needed.thing}')} {are(missed)} not recognised"
        f"{_mostly(label, confused, missed)}. Add training {needed.thing}s of it."
    )
    return [f"{weak} {capital(_know(recall, more, needed))}" if more else weak]


def _mostly(label: str, confused: Sequence[Pair], missed: int) -> str:
    """Which label most of them are taken for."""
    ways = [(pair.there, pair.other) for pair in confused if pair.one == label]
    ways += [(pair.back, pair.one) for pair in confused if pair.other == label]
    count, other = max(ways)
    return f", {'all' if count == missed > 1 else count} taken for '{other}'"


def _know(recall: Measure, more: int, needed: Needed) -> str:
    test = f"{counted(more, f'more test {needed.thing}')} of it{needed.in_all(more)}"
    return (
        f"its recall is only known to lie in {interval(recall)}; about {test} would tell it to "
        "±5 points."
    )


def _suspicious(wrong: Sequence[Mistake], measures: Measured, thing: str) -> list[str]:
    names = [one.name for one in wrong if one.suspicious]
    if not names or len(names) > _FEW * measures.overall["accuracy"].n:
        return []
    many = len(names) > 1
    return [
        f"Check the labels of {counted(len(names), thing)} first (marked below): the model is "
        f"at least {percent(SURE)} sure that {'they are' if many else 'it is'} something else."
    ]


def _unseen(measures: Measured, thing: str) -> list[str]:
    names = [label for label, each in measures.labels.items() if not each["support"].value]
    if not names:
        return []
    listed = ", ".join(f"'{name}'" for name in names)
    return [f"There is no test {thing} of {listed}: nothing is known about it."]


def _nothing_wrong(measures: Measured, thing: str) -> list[str]:
    accuracy = measures.overall["accuracy"]
    most = percent(1 - accuracy.low)
    return [
        f"Nothing stands out. With {counted(accuracy.n, f'test {thing}')} the true share of "
        f"mistakes may be up to {most}; go on testing with new {thing}s from where it will be used."
    ]
