"""Holds the boxes of an annotation against the picture that they are said to be on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.readers.boxes import ROUNDING

SAME_BOX = 0.95  # intersection over union of two boxes that mean one thing


@dataclass(frozen=True)
class Placed:
    """`boxes` lie on the picture. `clipped`: how many were cut at its edge; `repeated`: how many
    were there twice and are left out; `problem`: why the annotation cannot be used, and where."""

    boxes: tuple[Box, ...] = ()
    clipped: int = 0
    repeated: int = 0
    problem: str = ""


def placed(row: Row, facts: Mapping[str, Any]) -> Placed:
    """The boxes of `row` on a picture of facts["width"] by facts["height"], upright."""
    if row.problem or not row.boxes or "width" not in facts:
        return Placed(problem=row.problem) if row.problem else Placed(row.boxes)
    width, height = facts["width"], facts["height"]
    problem = _wrong_size(row, width, height) or _wrong_boxes(row, width, height)
    if problem:
        return Placed(problem=problem)
    inside = [_clipped(box, width, height) for box in row.boxes]
    once = _once(inside)
    clipped = sum(new != old for new, old in zip(inside, row.boxes, strict=True))
    return Placed(tuple(once), clipped, len(inside) - len(once))


def _wrong_size(row: Row, width: int, height: int) -> str:
    """What is wrong if the boxes were drawn on a picture of another size or turned otherwise."""
    if row.size and row.size == (height, width) != (width, height):
        return _turned(row, width, height)
    if row.size and row.size != (width, height):
        return (
            f"{row.place}: its boxes are for {row.size[0]} × {row.size[1]} pixels, and the picture "
            f"has {width} × {height}"
        )
    beyond = any(_is_beyond(box, width, height) for box in row.boxes)
    if beyond and not any(_is_beyond(box, height, width) for box in row.boxes):
        return _turned(row, width, height)
    return ""


def _turned(row: Row, width: int, height: int) -> str:
    return (
        f"{row.place}: its boxes fit the picture only as it is stored, {height} × {width} pixels, "
        f"not upright, {width} × {height}: the tool that wrote them did not heed its EXIF"
    )


def _wrong_boxes(row: Row, width: int, height: int) -> str:
    places = row.places or (row.place,) * len(row.boxes)
    for box, place in zip(row.boxes, places, strict=True):
        if _is_beyond(box, width, height):
            shown = ", ".join(f"{value:g}" for value in box[1:])
            return f"{place}: the box {shown} is not on the picture of {width} × {height} pixels"
    return ""


def _is_beyond(box: Box, width: int, height: int) -> bool:
    """Whether `box` leaves the picture by more than rounding explains, or is nowhere on it."""
    across, down = max(1.0, ROUNDING * width), max(1.0, ROUNDING * height)
    left, top, right, bottom = box[1:]
    within = left >= -across and top >= -down and right <= width + across
    on_it = min(right, width) > max(left, 0) and min(bottom, height) > max(top, 0)
    return not (within and bottom <= height + down and on_it)


def _clipped(box: Box, width: int, height: int) -> Box:
    left, top = max(0.0, box.left), max(0.0, box.top)
    right, bottom = min(float(width), box.right), min(float(height), box.bottom)
    return Box(box.label, left, top, right, bottom)


def _once(boxes: Sequence[Box]) -> list[Box]:
    """`boxes` without those that a box before has the label and, nearly, the place of."""
    corners = np.array([box[1:] for box in boxes])
    chosen: dict[str, list[int]] = defaultdict(list)
    for index, box in enumerate(boxes):
        similar = chosen[box.label]
        if not similar or _overlaps(corners[index], corners[similar]).max() <= SAME_BOX:
            similar.append(index)
    return [boxes[index] for index in sorted(chain(*chosen.values()))]


def _overlaps(first: Any, second: Any) -> Any:
    """Intersection over union of the box `first` [4] with each box of `second` [n, 4]."""
    sides = np.minimum(first[2:], second[:, 2:]) - np.maximum(first[:2], second[:, :2])
    shared = sides.clip(0).prod(1)
    areas = (second[:, 2:] - second[:, :2]).prod(1)
    return shared / ((first[2:] - first[:2]).prod() + areas - shared)
