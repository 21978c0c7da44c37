"""Numbers and names as text for people."""

from collections.abc import Sequence

from stages.artifacts import Measure

_STYLES = {
    "ship": "good",
    "do not ship": "bad",
    "undecided": "doubt",
}  # a verdict's style on a page
NO_MINIMUM = "better than guessing; no minimum was set"
_NAMES = {
    "f1": "F1",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "log_loss": "log loss",
    "ap50": "AP50",
    "ap50_95": "AP50:95",
}


def headline(verdict: str, minimum: bool) -> str:
    """A verdict in words; `minimum`: a gate was set. Without one, 'ship' says only so much."""
    return NO_MINIMUM if verdict == "ship" and not minimum else verdict


def verdict_style(verdict: str, minimum: bool) -> str:
    """The style of a verdict on a page: green only where a minimum was set, and is reached."""
    return "doubt" if verdict == "ship" and not minimum else _STYLES.get(verdict, "doubt")


def metric(name: str) -> str:
    """A metric's name in words: 'macro_recall' is 'macro recall'."""
    first, of, label = name.partition(" of ")
    text = _NAMES.get(first, first.replace("_", " "))
    return f"{text} of '{label}'" if of else text


def listed(names: Sequence[str], noun: str, most: int = 4) -> str:
    """All of a few names, or the first of many."""
    shown = ", ".join(names[:most])
    hidden = len(names) - most
    return f"{shown} and {counted(hidden, f'more {noun}')}" if hidden > 0 else shown


def capital(text: str) -> str:
    """`text` with a capital first letter."""
    return text[:1].upper() + text[1:]


def percent(value: float) -> str:
    """A share in per cent, with one decimal where there is one."""
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def even(value: float) -> str:
    """A share in per cent with one decimal always, for columns."""
    return f"{100 * value:.1f} %"


def interval(measure: Measure) -> str:
    """The bounds, as '85.1 to 91.2 %'."""
    return f"{percent(measure.low).removesuffix(' %')} to {percent(measure.high)}"


def measured(measure: Measure) -> str:
    """Value and bounds, as '88.4 % (85.1 to 91.2 %)'."""
    return f"{percent(measure.value)} ({interval(measure)})"


def counted_measure(measure: Measure) -> str:
    """Value, bounds and count, as '88.4 % (85.1 to 91.2 %, n = 367)'."""
    return f"{percent(measure.value)} ({interval(measure)}, n = {measure.n:,})"


def times(count: int) -> str:
    """'once', 'twice', '3 times'."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def counted(count: int, noun: str) -> str:
    """'1 photo', '1,200 photos'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rough(count: int) -> int:
    """`count` to two digits, upwards: an estimate is no exact number."""
    unit = int(10 ** max(len(str(count)) - 2, 0))
    return -(-count // unit) * unit


def are(count: int) -> str:
    """The verb for `count` things: 'is' or 'are'."""
    return "is" if count == 1 else "are"
