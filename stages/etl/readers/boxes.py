"""Checks that all layouts of boxes share: numbers, a picture's size and its group."""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.runtime.neutral import is_number

ROUNDING = 0.01  # of a side, at least one pixel: how far tools write boxes beyond the edge
LARGEST = 1e9  # of a number in pixels or percent; a larger one is an error
DIGITS = 9  # of a whole number; a longer one is an error


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all `values` are numbers, none of them NaN or implausibly large."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
        for value in values
    )


def is_whole(text: str) -> bool:
    """Whether `text` is a whole number of plausible length."""
    return text.isdecimal() and len(text) <= DIGITS


def group_in(record: Mapping[str, Any]) -> str:
    """The group that `record` names under `group`; '' if it is missing, empty or null."""
    named = record.get("group")
    return "" if named is None else str(named).strip()


def checked_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height if they are positive whole numbers, also as text or as 160.0; several tools
    write 0 there."""
    sides = whole(width), whole(height)
    return (sides[0], sides[1]) if sides[0] and sides[1] else None


def whole(value: Any) -> int | None:
    """The whole number that `value` is, as a number or as text such as "7" or "7.0"; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip()
    if not is_whole(text):
        if not is_number(text) or not float(text).is_integer() or abs(float(text)) >= LARGEST:
            return None
        return int(float(text))
    return int(text)
