"""Assigns the points of a picture to its boxes: task-aligned assignment.

Feng et al., TOOD: Task-aligned One-stage Object Detection, arXiv 2108.07755: a box is assigned to
those points in it that already predict its label and its place well, so that the two agree. Plain
numpy, one picture at a time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

MOST = 10  # points for a box
SCORE_POWER, PLACE_POWER = 1.0, 6.0  # alpha and beta of the paper
REACH = 2.5  # strides around the middle of a box within which a point may be assigned to it
TINY = 1e-9


class Points(NamedTuple):
    """All points of a picture: `places` [P, 2] in pixels (x, y), `strides` [P]."""

    places: Floats
    strides: Floats


class Assigned(NamedTuple):
    """The points that a box is assigned to, the box of each, and how well they predict it, 0..1;
    all [k]."""

    points: Indices
    boxes: Indices
    worth: Floats


def points_of(size: int, strides: tuple[int, ...]) -> Points:
    """The points of a square picture of `size` pixels, level after level, row by row."""
    places, steps = [], []
    for stride in strides:
        count = size // stride
        row = (np.arange(count, dtype=np.float32) + 0.5) * stride
        x, y = np.meshgrid(row, row)
        places.append(np.stack([x.ravel(), y.ravel()], axis=1))
        steps.append(np.full(count * count, stride, np.float32))
    return Points(np.concatenate(places), np.concatenate(steps))


def assign(
    points: Points, scores: Floats, found: Floats, boxes: Floats, labels: Indices
) -> Assigned:
    """Assign each of `boxes` [G, 4] (pixels) with its label [G] to up to MOST of the points within
    it.

    `scores` [P, labels] and `found` [P, 4] (pixels) are the current predictions. A point that two
    boxes claim gets the one that it overlaps with better."""
    if not len(boxes):
        return Assigned(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    overlaps = overlap(boxes, found)
    predicted = scores.T[labels]
    alignment = predicted**SCORE_POWER * overlaps**PLACE_POWER
    alignment = np.where(_may(points, boxes), alignment + TINY, 0)
    chosen = _best(alignment)
    owner = np.where(chosen, overlaps + TINY, -1).argmax(axis=0)
    taken = np.flatnonzero(chosen.any(axis=0))
    mine = owner[taken]
    return Assigned(taken, mine, _worth(alignment, overlaps, taken, mine))


def overlap(first: Floats, second: Floats) -> Floats:
    """Intersection over union of all pairs: [n, 4] and [m, 4] to [n, m]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1) for boxes in (first, second)]
    shared: Floats = both / np.maximum(areas[0][:, None] + areas[1][None, :] - both, TINY)
    return shared


def _may(points: Points, boxes: Floats) -> NDArray[np.bool_]:
    """Whether a point lies in a box and near its middle, [G, P]."""
    x, y = points.places.T
    left, top, right, bottom = (side[:, None] for side in boxes.T)
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    reach = REACH * points.strides
    near = (abs(x - (left + right) / 2) < reach) & (abs(y - (top + bottom) / 2) < reach)
    small = near & ~inside.any(axis=1, keepdims=True)  # a box that lies between all points
    may: NDArray[np.bool_] = (inside & near) | small
    return may


def _best(alignment: Floats) -> NDArray[np.bool_]:
    """Whether a value is above zero and one of the MOST highest of its row; of equals the earlier
    ones are taken."""
    order = np.argsort(-alignment, axis=1, kind="stable")[:, :MOST]
    chosen = np.zeros(alignment.shape, np.bool_)
    np.put_along_axis(chosen, order, True, axis=1)
    return np.asarray(chosen & (alignment > 0))


def _worth(alignment: Floats, overlaps: Floats, taken: Indices, mine: Indices) -> Floats:
    """Alignment of the taken points, scaled so that a box's best point has its best overlap."""
    raw = alignment[mine, taken]
    best = np.zeros(len(alignment), np.float32)
    place = np.zeros(len(alignment), np.float32)
    np.maximum.at(best, mine, raw.astype(np.float32))
    np.maximum.at(place, mine, overlaps[mine, taken])
    worth: Floats = (raw / np.maximum(best[mine], TINY) * place[mine]).astype(np.float32)
    return worth
