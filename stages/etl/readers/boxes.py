"""What annotations of every layout have in common: four numbers, and a picture's size."""

import math
from collections.abc import Sequence
from typing import Any

ROUNDING = 0.01  # of a side: by so much tools write boxes beyond the edge; at least one pixel


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether `values` are four finite numbers."""
    return len(values) == 4 and all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in values
    )


def size_told(width: Any, height: Any) -> tuple[int, int] | None:
    """Width and height if they are whole numbers above nought: several tools write 0 there."""
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None
