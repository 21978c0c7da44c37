"""Compares two sets of boxes that were predicted on the same pictures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.boxes.average_precision import ap50s
from stages.metrics.boxes.matching import Matches, matches
from stages.metrics.boxes.resampling import resampled
from stages.metrics.intervals import f1

Numbers = NDArray[np.float64]


class Pair(NamedTuple):
    """Of `n` true boxes, `lost` are found only by the first set and `won` only by the second."""

    lost: int
    won: int
    n: int


def paired_ap_drop(before: Matches, after: Matches, seed: int = 0) -> Measure:
    """The drop in AP50 from `before` to `after` on the same pictures; positive if `after` is worse.

    The interval is between quantiles of the drop in resamples of the groups of pictures, the same
    for both.
    0 in [-1, 1] without a true box."""
    if not len(before.true):
        return Measure(value=0.0, low=-1.0, high=1.0, n=0)
    boxes = max(len(before.score), len(after.score), before.images)
    old, new = (_means(found, boxes, seed) for found in (before, after))
    drops = (old - new)[np.isfinite(old)]
    low, high = np.quantile(drops, [0.025, 0.975]) if before.groups > 1 else (-1.0, 1.0)
    whole = np.ones((1, before.images))
    value = float(ap50s(before, whole)[0]) - float(ap50s(after, whole)[0])
    low, high = min(float(low), value), max(float(high), value)
    return Measure(value=value, low=low, high=high, n=before.images)


def recall_pairs(before: Matches, after: Matches, threshold: float) -> list[Pair]:
    """For each label, how many of its true boxes only one of the two sets finds at `threshold`."""
    old, new = (_reached(found, threshold) for found in (before, after))
    return [
        Pair(int((old & ~new & mine).sum()), int((~old & new & mine).sum()), int(mine.sum()))
        for mine in (before.true_label == label for label in range(before.labels))
    ]


def box_agreement(before: Matches, after: Matches, threshold: float) -> Measure:
    """The agreement of the two sets at `threshold`: twice the number of boxes in common (same
    label, overlap of at least half), divided by the number of boxes of both. 1 in [0, 1] if there
    are none."""
    old, new = (_sure(found, threshold) for found in (before, after))
    if not len(old) and not len(new):
        return Measure(value=1.0, low=0.0, high=1.0, n=0)
    reference = _by_picture(before, old, with_score=False)
    common = int((matches(reference, _by_picture(after, new), before.labels).found >= 0).sum())
    return f1(common, len(old) - common, len(new) - common)


def _means(found: Matches, boxes: int, seed: int) -> Numbers:
    return resampled(
        lambda weights: ap50s(found, weights[:, found.group]), found.groups, boxes, seed
    )


def _reached(found: Matches, threshold: float) -> NDArray[np.bool_]:
    right = _sure(found, threshold)
    right = right[found.found[right] >= 0]
    reached = np.zeros(len(found.true), bool)
    reached[found.found[right]] = True
    return reached


def _sure(found: Matches, threshold: float) -> NDArray[np.int64]:
    return np.flatnonzero(found.score >= threshold - 1e-9)


def _by_picture(
    found: Matches, rows: NDArray[np.int64], with_score: bool = True
) -> list[list[list[float]]]:
    """The predicted boxes `rows`, by picture, as answers; without scores, as truth."""
    boxes: list[list[list[float]]] = [[] for _ in range(found.images)]
    for row in rows:
        score = [float(found.score[row])] if with_score else []
        boxes[found.image[row]].append([*found.predicted[row], *score, int(found.label[row])])
    return boxes
