"""Average precision from kept matches, for many resamples of the pictures at once.

The value itself is the COCO evaluator's (evaluator.py), to which this is held equal in a test; the
evaluator would take minutes for the resamples that an interval needs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.metrics.boxes.matching import MOST, Matches, matches

RECALLS = np.linspace(0, 1, 101)  # at which the COCO evaluation looks up the precision

Numbers = NDArray[np.float64]


def average_precisions(found: Matches, weights: Numbers, levels: Sequence[int] = (0,)) -> Numbers:
    """The average precision at each of `levels` (indices of OVERLAPS) of each label.

    `weights` [r, images] says how often each picture is in each resample; [levels, r, labels] comes
    back, NaN for a label without a true box there. A picture that is there twice counts as two."""
    wanted = weights @ found.support
    areas = [_of_label(found, weights, wanted[:, k], k, levels) for k in range(found.labels)]
    return np.stack(areas, axis=2)


def ap50(truth: Sequence[Any], answers: Sequence[Any], labels: int) -> float:
    """Mean over labels of the average precision at an overlap of 0.5; 0 without a true box."""
    found = matches(truth, answers, labels)
    return float(np.nan_to_num(ap50s(found, np.ones((1, found.images)))[0]))


def ap50s(found: Matches, weights: Numbers) -> Numbers:
    """AP50 over the labels that have a true box, [r]; NaN where none has."""
    return means(average_precisions(found, weights))


def means(precisions: Numbers) -> Numbers:
    """Means over levels and labels of `precisions` [levels, r, labels], of what is known; [r]."""
    finite = np.isfinite(precisions)
    sums = np.where(finite, precisions, 0.0).sum(axis=(0, 2))
    numbers = finite.sum(axis=(0, 2))
    out: Numbers = np.full(sums.shape, np.nan)
    np.divide(sums, numbers, out=out, where=numbers > 0)
    return out


def _of_label(
    found: Matches, weights: Numbers, wanted: Numbers, label: int, levels: Sequence[int]
) -> Numbers:
    rows = np.flatnonzero((found.label == label) & (found.place < MOST))
    counted = weights[:, found.image[rows]]
    predicted = np.cumsum(counted, axis=1)
    hits = found.hit[rows]
    areas = [_area(counted, predicted, hits[:, level], wanted) for level in levels]
    return np.where(wanted > 0, np.stack(areas), np.nan)


def _area(counted: Numbers, predicted: Numbers, hit: NDArray[np.bool_], wanted: Numbers) -> Numbers:
    """The mean precision at RECALLS, [r]; where a recall is not reached, it is 0.

    Recall rises at hits alone, so nothing else has to be looked at: from the recall before to that
    at a hit, precision counts as the best from this hit on."""
    found = np.cumsum(counted[:, hit], axis=1)
    if not found.shape[1]:
        return np.zeros(len(counted))
    precision = np.divide(found, predicted[:, hit], out=np.zeros_like(found), where=found > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = found / np.maximum(wanted, 1)[:, None]
    passed = np.where(found > 0, np.searchsorted(RECALLS, recall, side="right"), 0)
    steps = np.diff(passed, axis=1, prepend=0)
    return np.asarray((best * steps).sum(axis=1) / len(RECALLS))
