"""Precision and recall of boxes at thresholds on their score, and the threshold to recommend."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.boxes.box_measures import Tallies, by_label
from stages.metrics.boxes.matching import Matches
from stages.metrics.thresholds import FEWEST

STEPS = 100  # thresholds are hundredths
DEFAULT = 0.5  # the threshold of a model without a right box to choose it by

Counts = NDArray[np.int64]


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
    if precision is not None:
        reached = (predicted >= FEWEST) & (right >= precision * predicted)
        if reached.any():
            return float(reached.argmax() + 1) / STEPS
    return float((2 * right / (predicted + true)).argmax() + 1) / STEPS


def _by_threshold(found: Matches) -> Tallies:
    """Boxes by picture and threshold, [images, 99]."""
    steps = np.clip(np.floor(found.score * STEPS + 1e-7), 0, STEPS - 1).astype(np.int64)
    right = found.found >= 0
    true = np.repeat(found.support.sum(axis=1, keepdims=True), STEPS - 1, axis=1)
    return Tallies(
        _reaching(found.image[right], steps[right], found.images),
        _reaching(found.image, steps, found.images),
        true,
    )


def _reaching(image: Counts, steps: Counts, images: int) -> Counts:
    """The number of boxes that reach each threshold from 0.01 on, by picture: [images, 99]."""
    cells = np.bincount(image * STEPS + steps, minlength=images * STEPS).reshape(images, STEPS)
    return np.asarray(cells[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:], np.int64)
