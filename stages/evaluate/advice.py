"""What a person could do next, in plain words."""

from collections.abc import Sequence

from stages.artifacts import Measure
from stages.evaluate.mistakes import SURE, Mistake, Pair
from stages.evaluate.verdict import Judgement
from stages.evaluate.words import (
    are,
    capital,
    counted,
    interval,
    measured,
    metric,
    percent,
    rough,
    times,
)
from stages.metrics import Measured, samples_to_decide, samples_to_narrow

MARGIN = 0.05  # an interval of five points to each side tells enough to act on
_PAIRS = 3
_GATES = 3  # undecided ones to be told of
_OFTEN = 0.1  # a pair with fewer of all mistakes needs no advice
_WEAK = 0.95  # a label with a better recall needs none either
_FEW = 0.1  # with more sure mistakes than this it is the model that is wrong, not the labels


def advice(
    measures: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    confused: Sequence[Pair],
    worse: Sequence[tuple[str, str, Measure]],
    tested: float,
) -> list[str]:
    """What to do next, the most useful first. `worse`: groups of photos (column, value, accuracy)
    it is worse at; `tested`: the share of all photos in the test."""
    if any(one.guessed and one.measure.high < one.gate for one in judgements):
        return [_HOPELESS, *_unseen(measures)]
    undecided = [
        _decide(one, tested) for one in judgements if one.outcome == "undecided" and one.measure.n
    ]
    missed = any(one.outcome == "missed" for one in judgements)
    said = [] if missed else undecided[:_GATES]
    said += _suspicious(wrong, measures)
    said += _weakest(measures, confused, tested)
    if len(measures.labels) > 2:  # of two labels there is but one pair
        said += [_confused(pair, len(wrong)) for pair in _frequent(confused, len(wrong))]
    said += [_group(*one) for one in worse]
    said += undecided[:_GATES] if missed else []
    said += _unseen(measures)
    return said or _nothing_wrong(measures)


_HOPELESS = (
    "The model has learnt nothing that holds for new photos. Look at the data page whether photos "
    "and labels belong together and whether a person could tell the labels apart; if so, train on "
    "many more photos of each label."
)


def _group(column: str, value: str, accuracy: Measure) -> str:
    return (
        f"Photos with {column} '{value}' are recognised worse than others, {measured(accuracy)} "
        f"of {accuracy.n}: add training photos of these."
    )


def _decide(judgement: Judgement, tested: float) -> str:
    """How many more photos would settle it, if the model goes on as it does."""
    name, seen = metric(judgement.name), judgement.measure
    needed = samples_to_decide(seen.value, judgement.gate)
    if needed is None:
        return (
            f"The {name} is so close to the gate of {percent(judgement.gate)} that testing more "
            "will not tell them apart: make the model better, or lower the gate."
        )
    more = _more(seen, needed)
    _, of, label = judgement.name.partition(" of ")
    kind = f" of '{label}'" if of else ""
    return (
        f"To decide on the {name}, test on about {counted(more, 'more photo')}{kind}"
        f"{_in_all(more, tested)}, if it stays at {percent(seen.value)}."
    )


def _more(seen: Measure, needed: int) -> int:
    """More samples until the interval is as narrow as that of a share in `needed` samples.

    A mean over uneven labels knows less than so many samples would: its own interval tells."""
    knows = samples_to_narrow(seen.value, (seen.high - seen.low) / 2)
    return rough(max(1, round(seen.n * max(needed / knows - 1, 0))))


def _in_all(more: int, tested: float) -> str:
    if tested >= 1:
        return ""
    return f" (collect about {rough(round(more / tested)):,}, as {percent(tested)} are tested)"


def _weakest(measures: Measured, confused: Sequence[Pair], tested: float) -> list[str]:
    seen = {label: each for label, each in measures.labels.items() if each["support"].value}
    label = min(seen, key=lambda one: (seen[one]["recall"].value, seen[one]["recall"].n))
    recall = seen[label]["recall"]
    missed = round(recall.n * (1 - recall.value))
    more = rough(max(samples_to_narrow(recall.value, MARGIN) - recall.n, 0))
    if recall.value >= _WEAK and not more:
        return []
    if not missed:
        return [f"Least is known about '{label}': {_know(recall, more, tested)}"]
    weak = (
        f"The weakest label is '{label}': {missed} of its {counted(recall.n, 'test photo')} "
        f"{are(missed)} not recognised{_mostly(label, confused, missed)}. More training photos "
        "of it will help most."
    )
    return [f"{weak} {capital(_know(recall, more, tested))}" if more else weak]


def _mostly(label: str, confused: Sequence[Pair], missed: int) -> str:
    """Which label most of them are taken for."""
    ways = [(pair.there, pair.other) for pair in confused if pair.one == label]
    ways += [(pair.back, pair.one) for pair in confused if pair.other == label]
    count, other = max(ways)
    return f", {'all' if count == missed > 1 else count} taken for '{other}'"


def _know(recall: Measure, more: int, tested: float) -> str:
    photos = f"{counted(more, 'more test photo')} of it{_in_all(more, tested)}"
    return (
        f"its recall is only known to lie in {interval(recall)}; about {photos} would tell it to "
        "±5 points."
    )


def _frequent(confused: Sequence[Pair], wrong: int) -> list[Pair]:
    often = [pair for pair in confused if pair.times > 1 and pair.times >= _OFTEN * wrong]
    return often[:_PAIRS]


def _confused(pair: Pair, wrong: int) -> str:
    directions = f"'{pair.one}' is taken for '{pair.other}' {times(pair.there)}"
    if pair.back:
        directions += f", the reverse {times(pair.back)}"
    share = percent(round(pair.times / wrong, 2))
    return (
        f"Look at how these two differ: {directions} ({share} of all mistakes). If a person cannot "
        "tell them apart in such photos, take closer ones, or make them one label."
    )


def _suspicious(wrong: Sequence[Mistake], measures: Measured) -> list[str]:
    names = [one.name for one in wrong if one.suspicious]
    if not names or len(names) > _FEW * measures.overall["accuracy"].n:
        return []
    many = len(names) > 1
    return [
        f"Check the labels of {counted(len(names), 'photo')} first (marked below): the model is "
        f"at least {percent(SURE)} sure that {'they show' if many else 'it shows'} something else."
    ]


def _unseen(measures: Measured) -> list[str]:
    names = [label for label, each in measures.labels.items() if not each["support"].value]
    if not names:
        return []
    listed = ", ".join(f"'{name}'" for name in names)
    return [f"There is no test photo of {listed}: nothing is known about it. Add some."]


def _nothing_wrong(measures: Measured) -> list[str]:
    accuracy = measures.overall["accuracy"]
    most = percent(1 - accuracy.low)
    return [
        f"Nothing stands out. With {counted(accuracy.n, 'test photo')} the true share of mistakes "
        f"may be up to {most}; go on testing with new photos from where it will be used."
    ]
