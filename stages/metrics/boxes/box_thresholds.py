"""Precision and recall of boxes at thresholds on their score, the threshold to recommend, and how
uncertain that is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.boxes.box_measures import Tallies, by_label
from stages.metrics.boxes.matching import Matches
from stages.metrics.boxes.resampling import resampled
from stages.metrics.thresholds import FEWEST

STEPS = 100  # thresholds are hundredths
DEFAULT = 0.5  # the threshold of a model without a right box to choose it by
WORTH = 0.02  # the least gain in F1 for which another threshold is advised

TINY = 1e-12  # F1 that differ by less are equal

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]

THRESHOLDS: Numbers = np.arange(1, STEPS) / STEPS


class BoxThreshold(NamedTuple):
    """The measures if only boxes with a score of at least `threshold` count. `each`: the mean
    number of these boxes in a picture."""

    threshold: float
    precision: Measure
    recall: Measure
    f1: Measure
    each: float


def box_thresholds(found: Matches, seed: int = 0) -> list[BoxThreshold]:
    """A row for each threshold from 0.01 to 0.99 in steps of 0.01, over all labels."""
    tally = _by_threshold(found)
    measured = by_label(tally, seed)
    each = tally.predicted.sum(axis=0) / found.images
    return [
        BoxThreshold(
            k / STEPS, measures["precision"], measures["recall"], measures["f1"], float(each[k - 1])
        )
        for k, measures in enumerate(measured, 1)
    ]


def recommended_threshold(found: Matches, precision: float | None, seed: int = 0) -> float:
    """The threshold for the best F1 over all boxes, in hundredths: the mean of the thresholds that
    are best in resamples of the pictures.

    A single best threshold depends on one or two boxes where pictures are few. The mean over
    resamples depends less on them (Breiman 1996, Bagging predictors, Machine Learning 24, 123-140).

    With `precision`, the lowest threshold at which at least that share of at least FEWEST boxes is
    right; if there is none, that for the best F1. DEFAULT without a right box."""
    right, predicted, true = (counted.sum(axis=0) for counted in _by_threshold(found))
    if not right.any():
        return DEFAULT
    reached = _reached(right, predicted, precision)
    if reached.any():
        return float(reached.argmax() + 1) / STEPS
    drawn = [counted[None] for counted in (right, predicted, true)]
    if found.groups > 1:
        drawn = _with_right_boxes(_resampled(found, seed))
    return round(float(_best(*drawn).mean()), 2)


def box_threshold_interval(
    found: Matches, precision: float | None, seed: int = 0
) -> tuple[float, float] | None:
    """Between which thresholds the recommended one varies in 95 % of resamples of the pictures;
    None if there are fewer than two, or no box is right."""
    if found.groups < 2 or not (found.found >= 0).any():
        return None
    right, predicted, true = _with_right_boxes(_resampled(found, seed))
    reached = _reached(right, predicted, precision)
    lowest = (reached.argmax(axis=1) + 1) / STEPS
    drawn = np.where(reached.any(axis=1), lowest, _best(right, predicted, true))
    chosen = recommended_threshold(found, precision, seed)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return min(round(float(low), 2), chosen), max(round(float(high), 2), chosen)


def _reached(right: Any, predicted: Any, precision: float | None) -> NDArray[np.bool_]:
    """Whether a share `precision` of enough boxes is right at each threshold, [..., 99]; never if
    no precision is asked for."""
    if precision is None:
        return np.zeros(np.shape(right), np.bool_)
    return np.asarray((predicted >= FEWEST) & (right >= precision * predicted))


def _best(right: Any, predicted: Any, true: Any) -> Numbers:
    """The threshold with the best F1 in each row of counts by threshold, [rows, 99]: the mean of
    equally good ones, which is farther from the scores on both sides than the lowest of them."""
    f1 = 2 * right / (predicted + true)
    best = f1 >= f1.max(axis=1, keepdims=True) - TINY
    return np.asarray((best * THRESHOLDS).sum(axis=1) / best.sum(axis=1))


def _with_right_boxes(drawn: Sequence[Numbers]) -> list[Numbers]:
    """The resamples in `drawn` that have a right box."""
    some = drawn[0].any(axis=1)
    return [counted[some] for counted in drawn]


def better_threshold(
    found: Matches, threshold: float, seed: int = 0
) -> tuple[float, Measure] | None:
    """The threshold with the best F1 on `found`, and by how much F1 is higher there than at
    `threshold`; None unless that is a significant gain of at least WORTH.

    The interval is of 99 %, from resamples of the pictures, as the best of many thresholds is
    compared. A gain that is mostly luck has a lower bound below 0."""
    if found.groups < 2 or not (found.found >= 0).any():
        return None
    right, predicted, true = (counted.sum(axis=0) for counted in _by_threshold(found))
    f1 = 2 * right / (predicted + true)
    best, now = int(f1.argmax()), min(max(round(threshold * STEPS), 1), STEPS - 1) - 1
    right, predicted, true = _resampled(found, seed)
    drawn = 2 * right / np.maximum(predicted + true, 1)
    low, high = np.quantile(drawn[:, best] - drawn[:, now], [0.005, 0.995])
    gain = Measure(
        value=float(f1[best] - f1[now]), low=float(low), high=float(high), n=found.images
    )
    return ((best + 1) / STEPS, gain) if gain.low > 0 and gain.value >= WORTH else None


def _resampled(found: Matches, seed: int) -> tuple[Numbers, Numbers, Numbers]:
    """Right, predicted and true boxes by threshold in resamples of the pictures, [r, 99] each."""
    stacked = np.concatenate(_by_threshold(found), axis=1).astype(np.float64)
    sums = resampled(lambda weights: weights @ stacked, found.groups, stacked.shape[1], seed)
    width = STEPS - 1
    return sums[:, :width], sums[:, width : 2 * width], sums[:, 2 * width :]


def _by_threshold(found: Matches) -> Tallies:
    """Boxes by group of pictures and threshold, [groups, 99]."""
    group = found.group[found.image]
    steps = np.clip(np.floor(found.score * STEPS + 1e-7), 0, STEPS - 1).astype(np.int64)
    right = found.found >= 0
    true = np.repeat(found.group_support.sum(axis=1, keepdims=True), STEPS - 1, axis=1)
    return Tallies(
        _reaching(group[right], steps[right], found.groups),
        _reaching(group, steps, found.groups),
        true,
    )


def _reaching(group: Counts, steps: Counts, groups: int) -> Counts:
    """The number of boxes that reach each threshold from 0.01 on, by group: [groups, 99]."""
    cells = np.bincount(group * STEPS + steps, minlength=groups * STEPS).reshape(groups, STEPS)
    return np.asarray(cells[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], np.int64)
