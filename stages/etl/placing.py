"""Checks the boxes of an annotation against their picture, and clips them to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.readers.boxes import ROUNDING

SAME_BOX = 0.95  # intersection over union from which two boxes are one


@dataclass(frozen=True)
class Placed:
    """The `boxes` within the picture. `clipped`: how many were clipped at its edge. `repeated`: how
    many duplicates were left out. `problem`: where and why the annotation cannot be used."""

    boxes: tuple[Box, ...] = ()
    clipped: int = 0
    repeated: int = 0
    problem: str = ""


def placed(row: Row, facts: Mapping[str, Any]) -> Placed:
    """Place the boxes of `row` on an upright picture of facts["width"] by facts["height"]."""
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
    """The problem if the boxes belong to a picture of another size or orientation, else ""."""
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
        f"not upright, {width} × {height}: the tool that wrote them ignored its EXIF orientation"
    )


def _wrong_boxes(row: Row, width: int, height: int) -> str:
    places = row.places or (row.place,) * len(row.boxes)
    for box, place in zip(row.boxes, places, strict=True):
        if _is_beyond(box, width, height):
            shown = ", ".join(f"{value:g}" for value in box[1:])
            return f"{place}: the box {shown} is not on the picture of {width} × {height} pixels"
    return ""


def _is_beyond(box: Box, width: int, height: int) -> bool:
    """Whether `box` exceeds the picture by more than rounding, or lies outside of it."""
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
    """`boxes` without those that have the label and nearly the place of an earlier one."""
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
