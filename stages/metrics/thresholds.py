"""Precision, recall and coverage of answers at thresholds on their score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.artifacts import Measure
from stages.metrics.bootstrap import RESAMPLES
from stages.metrics.clusters import Clusters, share

FEWEST = 10  # answers that a recommended threshold needs at least

Numbers = NDArray[np.float64]


class Threshold(NamedTuple):
    """The measures if only answers with a score of at least `threshold` count.

    `precision`: the share of these answers that are right; `recall`: the share of all samples with
    a right answer; `coverage`: the share of all samples with an answer."""

    threshold: float
    precision: Measure
    recall: Measure
    coverage: Measure


def thresholds(
    truth: ArrayLike, scores: ArrayLike, step: float = 0.05, clusters: Clusters | None = None
) -> list[Threshold]:
    """A row for each threshold from 0 to below 1, `step` apart; none without samples. `clusters`:
    the groups of the samples, which intervals are over."""
    true, scored = np.asarray(truth, np.int64), np.asarray(scores, np.float64)
    if not len(true):
        return []
    right, best = scored.argmax(axis=1) == true, scored.max(axis=1)
    # the 1e-9 lets a score that prints as the threshold reach it
    grid = [round(index * step, 6) for index in range(round(1 / step))]
    return [_row(value, right, best >= value - 1e-9, clusters) for value in grid]


def _row(
    value: float, right: np.ndarray, answered: np.ndarray, clusters: Clusters | None
) -> Threshold:
    among = clusters.of(answered) if clusters else None
    return Threshold(
        value,
        share(right[answered], among),
        share(right & answered, clusters),
        share(answered, clusters),
    )


def threshold_interval(
    scores: Numbers, right: NDArray[np.bool_], precision: float, seed: int = 0
) -> tuple[float, float] | None:
    """Between which thresholds the lowest one with a share `precision` of right answers varies in
    95 % of resamples of the answers; None if half of these have no such threshold.

    `scores` [n]: negative if an answer is never counted. The threshold is that of `recommended`."""
    if not len(scores):
        return None
    steps = np.clip(np.floor(scores * 100 + 1e-7), -1, 99).astype(np.int64) + 1  # 0: not counted
    cells = np.bincount(2 * steps + right, minlength=202)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(scores), cells / len(scores), RESAMPLES).reshape(RESAMPLES, 101, 2)
    reaching = drawn[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]  # [resamples, 100, wrong and right]
    answers, hits = reaching.sum(axis=2), reaching[:, :, 1]
    enough = (answers >= FEWEST) & (hits >= precision * answers)
    some = enough.any(axis=1)
    if some.mean() < 0.5:
        return None
    low, high = np.quantile(enough[some].argmax(axis=1) / 100, [0.025, 0.975])
    return round(float(low), 2), round(float(high), 2)


def recommended(truth: ArrayLike, scores: ArrayLike, precision: float) -> float:
    """The lowest threshold, in hundredths, at which at least a share `precision` of at least FEWEST
    answers is right.

    If no threshold reaches that, the one with the best F1 of precision and recall, the lowest of
    equals."""
    rows = [row for row in thresholds(truth, scores, 0.01) if row.precision.n >= FEWEST]
    reached = [row.threshold for row in rows if row.precision.value >= precision]
    if reached:
        return reached[0]
    return max(rows, key=_f1).threshold if rows else 0.0


def _f1(row: Threshold) -> float:
    total = row.precision.value + row.recall.value
    return 2 * row.precision.value * row.recall.value / total if total else 0.0
