"""Matches predicted boxes with true ones, as in the COCO evaluation.

Lin et al. (2014), Microsoft COCO: common objects in context, ECCV, and its published evaluation
code: label by label, in the order of falling scores, each predicted box takes the free true box
with which it overlaps most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.metrics.clusters import Clusters, clusters_of
from stages.runtime.errors import DataError

OVERLAPS = np.linspace(0.5, 0.95, 10)  # the least intersection over union of a match
MOST = 100  # boxes of a label in a picture that average precision uses
_ROWS = 256  # boxes whose overlaps are in memory at once

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Matches:
    """The true and the predicted boxes of a test, and which predicted box finds which true box.

    True boxes: `true` [t, 4], with the index of their picture, `true_image` [t], and of their
    label, `true_label` [t].

    Predicted boxes, sorted by falling score: `predicted` [d, 4], with `image`, `label` and `score`
    [d]. `place` [d]: a box's rank by score among those of its label and picture, from 0. `hit`
    [d, 10]: whether it finds a true box at each of OVERLAPS. `found` [d]: the row of the true box
    that it finds at an overlap of 0.5, or -1.

    `group` [images]: the number of each picture's group, from 0; `groups`: how many there are.
    Without groups each picture is one."""

    images: int
    labels: int
    true: Floats
    true_image: Indices
    true_label: Indices
    predicted: Floats
    image: Indices
    label: Indices
    score: Floats
    place: Indices
    hit: Flags
    found: Indices
    group: Indices
    groups: int

    @property
    def group_support(self) -> Indices:
        """True boxes by group of pictures and label, [groups, labels]."""
        return counts(self.group[self.true_image], self.true_label, self.groups, self.labels)

    @property
    def support(self) -> Indices:
        """True boxes by picture and label, [images, labels]."""
        return counts(self.true_image, self.true_label, self.images, self.labels)


def counts(image: Indices, label: Indices, images: int, labels: int) -> Indices:
    """The number of boxes by picture and label, [images, labels]."""
    cells = np.bincount(image * labels + label, minlength=images * labels)
    return cells.reshape(images, labels).astype(np.int64)


def matches(
    truth: Sequence[Any], answers: Sequence[Any], labels: int, keys: Sequence[str] = ()
) -> Matches:
    """Match `answers` ([[left, top, right, bottom, score, label's index], ...] by picture) with
    `truth` ([[left, top, right, bottom, label's index], ...] by picture). `keys`: of the group of
    each picture, if they come in groups.

    Raises DataError if there are no pictures, or for a score or an edge that is no number."""
    if not len(truth):
        raise DataError("There is no sample to measure on.", "Give the test split some samples.")
    true, true_image = _flat(truth, 5)
    predicted, image = _flat(answers, 6)
    _check(predicted, image, labels)
    order = np.argsort(-predicted[:, 4], kind="stable")
    predicted, image = predicted[order], image[order]
    true_label, label = true[:, 4].astype(np.int64), predicted[:, 5].astype(np.int64)
    hit = np.zeros((len(predicted), len(OVERLAPS)), bool)
    found = np.full(len(predicted), -1, np.int64)
    place = np.zeros(len(predicted), np.int64)
    wanted = groups(true_image * labels + true_label)
    for cell, mine in groups(image * labels + label).items():
        place[mine] = np.arange(len(mine))
        theirs = wanted.get(cell)
        if theirs is not None:
            taken = _paired(predicted[mine, :4], true[theirs, :4])
            hit[mine] = taken >= 0
            found[mine] = np.where(taken[:, 0] >= 0, theirs[taken[:, 0]], -1)
    clusters = clusters_of(keys) or Clusters(np.arange(len(truth)), len(truth))
    return Matches(
        group=clusters.index,
        groups=clusters.count,
        images=len(truth),
        labels=labels,
        true=true[:, :4],
        true_image=true_image,
        true_label=true_label,
        predicted=predicted[:, :4],
        image=image,
        label=label,
        score=predicted[:, 4],
        place=place,
        hit=hit,
        found=found,
    )


def overlaps(boxes: Floats, other_boxes: Floats) -> Floats:
    """Intersection over union of each of `boxes` [n, 4] with `other_boxes` [m, 4]: [n, m]."""
    left, top, right, bottom = boxes.T[:, :, None]
    wide = np.minimum(right, other_boxes[:, 2]) - np.maximum(left, other_boxes[:, 0])
    high = np.minimum(bottom, other_boxes[:, 3]) - np.maximum(top, other_boxes[:, 1])
    shared: Floats = wide.clip(0) * high.clip(0)
    areas = area(boxes)[:, None] + area(other_boxes)[None] - shared
    return np.divide(shared, areas, out=np.zeros_like(shared), where=areas > 0)


def area(boxes: Floats) -> Floats:
    """The area of each of `boxes` [n, 4] in square pixels: [n]."""
    left, top, right, bottom = boxes.T
    return np.asarray((right - left).clip(0) * (bottom - top).clip(0))


def _flat(boxes: Sequence[Any], width: int) -> tuple[Floats, Indices]:
    """The boxes of all pictures in one array, and the picture of each."""
    sizes = [len(picture_boxes) for picture_boxes in boxes]
    rows = [row for picture_boxes in boxes for row in picture_boxes]
    image = np.repeat(np.arange(len(boxes)), sizes).astype(np.int64)
    return np.asarray(rows, np.float64).reshape(-1, width), image


def _check(predicted: Floats, image: Indices, labels: int) -> None:
    wrong = ~np.isfinite(predicted).all(axis=1)
    if wrong.any():
        raise DataError(
            f"A box of sample {image[wrong.argmax()]} has an edge or a score that is no number.",
            "The model has diverged: train it again with a lower learning rate.",
        )
    outside = (predicted[:, 5] < 0) | (predicted[:, 5] >= labels)
    if outside.any():
        raise DataError(
            f"A box of sample {image[outside.argmax()]} has a label that is not among {labels}.",
            "The model and the data do not belong together: check which model is measured.",
        )


def groups(cells: Indices) -> dict[int, Indices]:
    """The indexes at which each number occurs in `cells`, in order."""
    order = np.argsort(cells, kind="stable")
    names, starts = np.unique(cells[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(name): part for name, part in zip(names, parts, strict=True)} if len(cells) else {}


def _paired(predicted: Floats, true: Floats) -> Indices:
    """The true box that each of `predicted` (in order) takes at each of OVERLAPS, or -1."""
    taken = np.full((len(predicted), len(OVERLAPS)), -1, np.int64)
    free = np.ones((len(OVERLAPS), len(true)), bool)
    for start in range(0, len(predicted), _ROWS):
        block = overlaps(predicted[start : start + _ROWS], true)
        for row in np.flatnonzero(block.max(axis=1) >= OVERLAPS[0]):
            taken[start + row] = _take(block[row], free)
    return taken


def _take(overlap: Floats, free: Flags) -> Indices:
    """Take the free true box with the largest `overlap` [t] at each of OVERLAPS, and mark it as
    taken; of equal ones the last, as in the COCO evaluation."""
    open_to = np.where(free, overlap, -1.0)
    best = open_to.shape[1] - 1 - open_to[:, ::-1].argmax(axis=1)
    levels = np.arange(len(OVERLAPS))
    reached = open_to[levels, best] >= np.minimum(OVERLAPS, 1 - 1e-10)
    free[levels[reached], best[reached]] = False
    return np.where(reached, best, -1)
