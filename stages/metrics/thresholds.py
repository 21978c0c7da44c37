"""Precision, recall and coverage of answers at thresholds on their score."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stages.artifacts import Measure
from stages.metrics.intervals import proportion

FEWEST = 10  # answers that a recommended threshold needs at least


class Threshold(NamedTuple):
    """The measures if only answers with a score of at least `threshold` count.

    `precision`: the share of these answers that are right; `recall`: the share of all samples with
    a right answer; `coverage`: the share of all samples with an answer."""

    threshold: float
    precision: Measure
    recall: Measure
    coverage: Measure


def thresholds(truth: ArrayLike, scores: ArrayLike, step: float = 0.05) -> list[Threshold]:
    """A row for each threshold from 0 to below 1, `step` apart; none without samples."""
    true, scored = np.asarray(truth, np.int64), np.asarray(scores, np.float64)
    if not len(true):
        return []
    right, best = scored.argmax(axis=1) == true, scored.max(axis=1)
    # the 1e-9 lets a score that prints as the threshold reach it
    grid = [round(index * step, 6) for index in range(round(1 / step))]
    return [_row(value, right, best >= value - 1e-9) for value in grid]


def _row(value: float, right: np.ndarray, answered: np.ndarray) -> Threshold:
    total, answers, good = len(right), int(answered.sum()), int((right & answered).sum())
    return Threshold(
        value, proportion(good, answers), proportion(good, total), proportion(answers, total)
    )


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
