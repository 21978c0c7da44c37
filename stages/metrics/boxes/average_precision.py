"""Average precision from precomputed matches, for many resamples of the pictures at once.

Reported values come from the COCO evaluator (evaluator.py); a test checks that both are equal. The
evaluator would take minutes for the resamples of an interval."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.metrics.boxes.matching import MOST, Matches, matches

RECALLS = np.linspace(0, 1, 101)  # the recalls at which the COCO evaluation takes the precision

Numbers = NDArray[np.float64]


def average_precisions(found: Matches, weights: Numbers, levels: Sequence[int] = (0,)) -> Numbers:
    """The average precision of each label at each of `levels` (indices of OVERLAPS), in each of r
    resamples: [levels, r, labels], NaN for a label without a true box.

    `weights` [r, images]: how often each picture is in each resample."""
    wanted = weights @ found.support
    areas = [_of_label(found, weights, wanted[:, k], k, levels) for k in range(found.labels)]
    return np.stack(areas, axis=2)


def ap50(truth: Sequence[Any], answers: Sequence[Any], labels: int) -> float:
    """The mean over labels of the average precision at an overlap of 0.5; 0 without a true box."""
    found = matches(truth, answers, labels)
    return float(np.nan_to_num(ap50s(found, np.ones((1, found.images)))[0]))


def ap50s(found: Matches, weights: Numbers) -> Numbers:
    """AP50 over the labels with a true box in each resample, [r]; NaN if no label has one."""
    return means(average_precisions(found, weights))


def means(precisions: Numbers) -> Numbers:
    """Means of `precisions` [levels, r, labels] over levels and labels without NaN: [r]."""
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
    """The mean precision at RECALLS, [r]; 0 at recalls that are not reached.

    Recall rises only at hits. Between two hits the interpolated precision is the highest from the
    second hit on."""
    found = np.cumsum(counted[:, hit], axis=1)
    if not found.shape[1]:
        return np.zeros(len(counted))
    precision = np.divide(found, predicted[:, hit], out=np.zeros_like(found), where=found > 0)
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    recall = found / np.maximum(wanted, 1)[:, None]
    passed = np.where(found > 0, np.searchsorted(RECALLS, recall, side="right"), 0)
    steps = np.diff(passed, axis=1, prepend=0)
    return np.asarray((best * steps).sum(axis=1) / len(RECALLS))
