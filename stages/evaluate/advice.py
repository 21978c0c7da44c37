"""Why the verdict is what it is, and what a person could do next, in plain words."""

from collections.abc import Sequence
from itertools import islice

from stages.artifacts import Measure
from stages.evaluate.mistakes import SURE, Mistake, Pair
from stages.evaluate.verdict import Judgement
from stages.evaluate.words import (
    capital,
    counted,
    interval,
    measured,
    metric,
    percent,
    rough,
    times,
)
from stages.metrics import Measured, Threshold, samples_to_decide, samples_to_narrow

MARGIN = 0.05  # an interval of five points to each side tells enough to act on
_PAIRS = 3
_WEAK = 0.95  # a label with a better recall needs no advice


def reason(judgement: Judgement) -> str:
    """One sentence on one gate."""
    name, value = capital(metric(judgement.name)), measured(judgement.measure)
    if judgement.guessed:
        return f"{name} is {value}, {_beside_guessing(judgement)}."
    gate = percent(judgement.gate)
    match judgement.outcome:
        case "reached":
            return f"{name} is {value}: even the lower bound reaches the gate of {gate}."
        case "undecided":
            return f"{name} is {value}: above the gate of {gate}, but the true value may be below."
    if judgement.measure.high < judgement.gate:
        return f"{name} is {value}: surely below the gate of {gate}."
    return f"{name} is {value}: below the gate of {gate}, though perhaps by bad luck of the test."


def _beside_guessing(judgement: Judgement) -> str:
    guess = f"always guessing '{judgement.guessed}', which is right in {percent(judgement.gate)}"
    match judgement.outcome:
        case "reached":
            return f"surely better than {guess}"
        case "undecided":
            return f"but not surely better than {guess}"
    return f"no better than {guess}"


def advice(
    measures: Measured,
    judgements: Sequence[Judgement],
    wrong: Sequence[Mistake],
    confused: Sequence[Pair],
    tested: float,
) -> list[str]:
    """What to do next, the most useful first. `tested`: the share of all photos in the test."""
    said = [_decide(one, tested) for one in judgements if one.outcome == "undecided"]
    said += _suspicious(wrong)
    said += _weakest(measures, confused, tested)
    said += [_confused(pair, len(wrong)) for pair in islice(confused, _PAIRS) if pair.times > 1]
    said += _unseen(measures)
    return said or _nothing_wrong(measures)


def on_threshold(chosen: Threshold, precision: float) -> str:
    """What to do with the score of an answer."""
    right, wanted = measured(chosen.precision), percent(precision)
    if chosen.precision.value < precision:
        return (
            f"At no threshold are {wanted} of the answers right. This one is the best compromise: "
            f"{right} are right, and {percent(chosen.coverage.value)} of the photos get an answer."
        )
    if chosen.coverage.value >= 1:
        return f"All answers can be used: {right} are right, and {wanted} were asked for."
    return (
        f"Take an answer from this score on, and let a person look at the rest: {right} of the "
        f"answers are right, and {percent(chosen.coverage.value)} of the photos get one. It is the "
        f"lowest threshold at which {wanted} are right."
    )


def _decide(judgement: Judgement, tested: float) -> str:
    """How many more photos would settle it, if the model goes on as it does."""
    name, seen = metric(judgement.name), judgement.measure
    needed = samples_to_decide(seen.value, judgement.gate)
    if needed is None or seen.n == 0:
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
    label = min(seen, key=lambda one: seen[one]["recall"].value)
    recall = seen[label]["recall"]
    if recall.value >= _WEAK and recall.high - recall.low <= 2 * MARGIN:
        return []
    missed = round(recall.n * (1 - recall.value))
    if not missed:
        return [f"Fewest test photos for its results: {_photos(label, recall, tested)}"]
    into = _mostly(label, confused)
    return [
        f"The weakest label is '{label}': {missed} of its {counted(recall.n, 'test photo')} "
        f"{'is' if missed == 1 else 'are'} not recognised{into}. {_photos(label, recall, tested)}"
    ]


def _mostly(label: str, confused: Sequence[Pair]) -> str:
    """Which label most of them are taken for."""
    ways = [(pair.there, pair.other) for pair in confused if pair.one == label]
    ways += [(pair.back, pair.one) for pair in confused if pair.other == label]
    count, other = max(ways, default=(0, ""))
    return f", {count} taken for '{other}'" if count else ""


def _photos(label: str, recall: Measure, tested: float) -> str:
    more = samples_to_narrow(recall.value, MARGIN) - recall.n
    if more <= 0:
        return f"More training photos of '{label}' will help most."
    more = rough(more)
    return (
        f"More photos of '{label}' will help most: its recall is only known to be within "
        f"{interval(recall)}, and {counted(more, 'more test photo')} of it"
        f"{_in_all(more, tested)} would tell it to ±5 points."
    )


def _confused(pair: Pair, wrong: int) -> str:
    directions = f"'{pair.one}' for '{pair.other}' {times(pair.there)}"
    if pair.back:
        directions += f", the reverse {times(pair.back)}"
    share = percent(round(pair.times / wrong, 2))
    return (
        f"Look at how '{pair.one}' and '{pair.other}' differ: {directions} ({share} of all "
        "mistakes). If a person cannot tell them apart in these photos, take closer ones or "
        "make them one label."
    )


def _suspicious(wrong: Sequence[Mistake]) -> list[str]:
    names = [one.name for one in wrong if one.suspicious]
    if not names:
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
