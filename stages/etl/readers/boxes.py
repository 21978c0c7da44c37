"""What annotations of every layout have in common: numbers, a picture's size and its group."""

from collections.abc import Mapping, Sequence
from typing import Any

ROUNDING = 0.01  # of a side: by so much tools write boxes beyond the edge; at least one pixel
LARGEST = 1e9  # of a number in pixels or percent; what is beyond it cannot be meant
DIGITS = 9  # of a whole number


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all `values` are numbers, and none is so large that it cannot be meant, or NaN."""
    return all(
        isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
        for value in values
    )


def is_whole(text: str) -> bool:
    """Whether `text` is a whole number that can be meant."""
    return text.isdecimal() and len(text) <= DIGITS


def group_in(record: Mapping[str, Any]) -> str:
    """The group that `record` names under `group`; an empty one, or null, is none."""
    named = record.get("group")
    return "" if named is None else str(named).strip()


def checked_size(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height if they are whole numbers above nought: several tools write 0 there."""
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None
