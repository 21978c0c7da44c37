"""Precision and recall of boxes at thresholds on their score, the threshold to recommend, and how
uncertain that is."""

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

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


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


def recommended_threshold(found: Matches, precision: float | None) -> float:
    """The threshold with the best F1 over all boxes, in hundredths, the lowest of equals.

    With `precision`, the lowest threshold at which at least that share of at least FEWEST boxes is
    right; if there is none, that with the best F1. DEFAULT without a right box."""
    right, predicted, true = (counted.sum(axis=0) for counted in _by_threshold(found))
    if not right.any():
        return DEFAULT
    return float(_chosen(right, predicted, true, precision) + 1) / STEPS


def _chosen(right: Any, predicted: Any, true: Any, precision: float | None) -> Any:
    """The place of the recommended threshold in counts by threshold, [..., 99]; see above."""
    best = (2 * right / (predicted + true)).argmax(axis=-1)
    if precision is None:
        return best
    reached = (predicted >= FEWEST) & (right >= precision * predicted)
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), best)


def box_threshold_interval(
    found: Matches, precision: float | None, seed: int = 0
) -> tuple[float, float] | None:
    """Between which thresholds the recommended one varies in 95 % of resamples of the pictures;
    None if there are fewer than two, or no box is right."""
    if found.groups < 2 or not (found.found >= 0).any():
        return None
    right, predicted, true = _resampled(found, seed)
    some = right.any(axis=1)
    places = _chosen(right[some], predicted[some], true[some], precision)
    low, high = np.quantile((places + 1) / STEPS, [0.025, 0.975])
    return round(float(low), 2), round(float(high), 2)


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
