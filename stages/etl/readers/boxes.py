"""Checks that all layouts of boxes share: numbers, a picture's size and its group."""

from collections.abc import Mapping, Sequence
from typing import Any

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
    """Width and height if they are positive whole numbers, as several tools write 0 there."""
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None
