"""The reasons for the verdict, as sentences."""

from collections.abc import Mapping, Sequence

from stages.evaluate.few import too_few
from stages.evaluate.formatting import are, capital, counted, listed, measured, metric, percent
from stages.evaluate.verdict import Judgement

_REACHED = 3  # reached gates that are named one by one


def reasons(
    judgements: Sequence[Judgement], noun: str, few: Mapping[str, int], item: str = ""
) -> list[str]:
    """A sentence for each gate, the missed ones first; of many reached gates only a few. `few`:
    labels with too few test samples; `item`: what is counted of them, if not samples."""
    order = ("missed", "undecided", "reached")
    with_samples = [judgement for judgement in judgements if judgement.measure.n]
    ordered = sorted(with_samples, key=lambda judgement: order.index(judgement.outcome))
    not_reached = sum(judgement.outcome != "reached" for judgement in ordered)
    lines = [reason(judgement) for judgement in ordered[: not_reached + _REACHED]]
    rest = len(ordered) - len(lines)
    lines += [f"{counted(rest, 'more gate')} {are(rest)} reached."] if rest else []
    blind = _blind([judgement for judgement in judgements if not judgement.measure.n], noun)
    small = too_few(few, item or noun)
    missed = any(judgement.outcome == "missed" for judgement in judgements)
    default = _no_gate(judgements)
    return [*lines, *blind, *small, *default] if missed else [*small, *lines, *blind, *default]


def _no_gate(judgements: Sequence[Judgement]) -> list[str]:
    """A note on each default gate; one against guessing has it in its own sentence."""
    return [
        f"No minimum was set: evaluate.gate is empty, and {percent(judgement.gate)} of "
        f"{metric(judgement.name)} is the default."
        for judgement in judgements
        if judgement.default and not judgement.guessed
    ]


def _blind(judgements: Sequence[Judgement], noun: str) -> list[str]:
    """The gates that no test sample measures."""
    if not judgements:
        return []
    names = listed([metric(judgement.name) for judgement in judgements], "gate")
    return [f"The test has no {noun} to measure the {names}."]


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
    return f"{name} is {value}: below {gate}, though possibly by chance."


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
