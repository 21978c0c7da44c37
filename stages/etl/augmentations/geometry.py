"""Moves boxes along when a picture is scaled, shifted, rotated or cropped."""

from collections.abc import Sequence

import numpy as np

from stages.etl.augmentations import Boxes

LEAST_VISIBLE = 1 / 3  # of a box's area; with less visible the object cannot be recognised


def shifted(boxes: Boxes, scale: Sequence[float], offset: Sequence[float]) -> Boxes:
    """`boxes` times `scale` (x, y), then plus `offset` (x, y), in pixels."""
    moved = boxes.copy()
    moved[:, :4] = boxes[:, :4] * np.tile(scale, 2) + np.tile(offset, 2)
    return moved


def visible(boxes: Boxes, width: float, height: float) -> Boxes:
    """`boxes` clipped to a picture of that size, without those of which less than a third is
    visible."""
    clipped = boxes.copy()
    clipped[:, 0:4:2] = boxes[:, 0:4:2].clip(0, width)
    clipped[:, 1:4:2] = boxes[:, 1:4:2].clip(0, height)
    left = areas(clipped)
    return clipped[(left > 0) & (left >= LEAST_VISIBLE * areas(boxes))]


def areas(boxes: Boxes) -> Boxes:
    """The area of each of `boxes` in square pixels; 0 if a side is not positive."""
    sides = (boxes[:, 2:4] - boxes[:, 0:2]).clip(0)
    found: Boxes = sides[:, 0] * sides[:, 1]
    return found


def turned(boxes: Boxes, degrees: float, width: float, height: float) -> Boxes:
    """The upright boxes that enclose `boxes` rotated counter-clockwise by `degrees` about the
    centre of a picture of that size."""
    middle = np.array([width / 2, height / 2])
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2) - middle
    around = corners @ np.array([[cosine, -sine], [sine, cosine]]) + middle
    found = boxes.copy()
    found[:, 0:2], found[:, 2:4] = around.min(1), around.max(1)
    return found
