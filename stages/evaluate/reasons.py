"""Why the verdict is what it is, in plain words."""

from collections.abc import Mapping, Sequence

from stages.evaluate.few import too_few
from stages.evaluate.verdict import Judgement
from stages.evaluate.words import are, capital, counted, listed, measured, metric, percent

_REACHED = 3  # reached gates that are told one by one


def reasons(
    judgements: Sequence[Judgement], thing: str, few: Mapping[str, int], item: str = ""
) -> list[str]:
    """A sentence for each gate, the missed ones first; of many reached gates only a few. `few`:
    labels with too few test samples; `item`: what is counted of them, if not `thing`s."""
    order = ("missed", "undecided", "reached")
    counted_ones = [one for one in judgements if one.measure.n]
    told = sorted(counted_ones, key=lambda one: order.index(one.outcome))
    open_ones = sum(one.outcome != "reached" for one in told)
    said = [reason(one) for one in told[: open_ones + _REACHED]]
    rest = len(told) - len(said)
    said += [f"{counted(rest, 'more gate')} {are(rest)} reached."] if rest else []
    blind = _blind([one for one in judgements if not one.measure.n], thing)
    small = too_few(few, item or thing)
    missed = any(one.outcome == "missed" for one in judgements)
    default = _no_gate(judgements)
    return [*said, *blind, *small, *default] if missed else [*small, *said, *blind, *default]


def _no_gate(judgements: Sequence[Judgement]) -> list[str]:
    """Who reads of a gate that nobody set has to know so; beside guessing it is told already."""
    return [
        f"No minimum was set: evaluate.gate is empty, and {percent(one.gate)} of {metric(one.name)}"
        " is the default."
        for one in judgements
        if one.default and not one.guessed
    ]


def _blind(judgements: Sequence[Judgement], thing: str) -> list[str]:
    """The gates that the test tells nothing about."""
    if not judgements:
        return []
    names = listed([metric(one.name) for one in judgements], "gate")
    return [f"The test has no {thing} that would tell the {names}."]


def reason(judgement: Judgement) -> str:
    """One sentence on one gate."""
    name, value = capital(metric(judgement.name)), measured(judgement.measure)
    if judgement.guessed:
        return f"{name} is {value}, {_beside_guessing(judgement)}."
    gate = _gate(judgement)
    match judgement.outcome:
        case "reached":
            return f"{name} is {value}: even the lower bound reaches {gate}."
        case "undecided":
            return f"{name} is {value}: {_doubt(judgement)}."
    if judgement.measure.high < judgement.gate:
        return f"{name} is {value}: surely below {gate}."
    return f"{name} is {value}: below {gate}, though perhaps by bad luck of the test."


def _gate(judgement: Judgement) -> str:
    kind = "default gate" if judgement.default else "gate"
    return f"the {kind} of {percent(judgement.gate)}"


def _doubt(judgement: Judgement) -> str:
    """Why an undecided gate is undecided."""
    measure, gate = judgement.measure, _gate(judgement)
    side, other = ("below", "above") if measure.value < judgement.gate else ("above", "below")
    if not judgement.undecided:
        return f"{side} {gate}, but measured on too few samples"
    return f"{side} {gate}, but the true value may be {other}"


def _beside_guessing(judgement: Judgement) -> str:
    guess = f"always guessing '{judgement.guessed}', which is right in {percent(judgement.gate)}"
    match judgement.outcome:
        case "reached":
            return f"surely better than {guess}. No minimum was set: evaluate.gate is empty"
        case "undecided":
            return f"but not surely better than {guess}"
    return f"no better than {guess}"
