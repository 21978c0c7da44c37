"""Cuts the content of boxes out of a picture, with a margin around each.

Data sets of crops and chains of packages use this very function, so that a classifier is shown in
use what it was trained on."""

from collections.abc import Sequence
from math import ceil, floor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a config reads LARGEST_MARGIN, and has no need of numpy
    from numpy.typing import NDArray

LARGEST_MARGIN = 4.0  # of a box's side, on each of its sides
MOST_CROPS = 1000  # of one picture; as many as suppression considers


def crop(picture: "NDArray[Any]", box: Sequence[float], margin: float) -> "NDArray[Any]":
    """The part of `picture` (H, W, 3) inside `box`, which begins with left, top, right, bottom in
    pixels, widened by `margin` times its width to the left and right and `margin` times its height
    above and below. It ends at the picture's edges, and at whole pixels outwards; it has at least
    one pixel."""
    height, width = picture.shape[:2]
    left, top, right, bottom = box[:4]
    across, down = margin * (right - left), margin * (bottom - top)
    first_column, last_column = _span(left - across, right + across, width)
    first_row, last_row = _span(top - down, bottom + down, height)
    return picture[first_row:last_row, first_column:last_column]


def _span(begin: float, end: float, size: int) -> tuple[int, int]:
    """The whole pixels from `begin` to `end` among `size`."""
    first = min(max(floor(begin), 0), size - 1)
    return first, max(min(ceil(end), size), first + 1)
