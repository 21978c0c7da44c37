"""Precision-recall curves of labels."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_POINTS = 60  # as many as can be distinguished in a plot

Numbers = NDArray[np.float64]


class PrecisionRecallCurve(NamedTuple):
    """Points of rising `recall` with the `precision` there; `average_precision` is the area under
    the step curve."""

    recall: list[float]
    precision: list[float]
    average_precision: float


def curves(
    truth: ArrayLike, scores: ArrayLike, labels: Sequence[str]
) -> dict[str, PrecisionRecallCurve]:
    """One-against-the-rest curves of the labels that occur in `truth` [n]; `scores` [n, labels]."""
    true, scored = np.asarray(truth, np.int64), np.asarray(scores, np.float64)
    present = [index for index in range(len(labels)) if (true == index).any()]
    return {labels[index]: curve(true == index, scored[:, index]) for index in present}


def curve(positive: NDArray[np.bool_], score: Numbers) -> PrecisionRecallCurve:
    """The curve of one label. `positive` [n]: whether a sample has the label; `score` [n]: the
    label's score."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(positive[order])
    last = np.append(np.diff(score[order]) != 0, True)  # equal scores fall together
    recall = hits[last] / hits[-1]
    precision = hits[last] / (np.flatnonzero(last) + 1)
    return drawn_curve(recall, precision, float((np.diff(recall, prepend=0.0) * precision).sum()))


def drawn_curve(recall: Numbers, precision: Numbers, area: float) -> PrecisionRecallCurve:
    """A curve of at most _POINTS points from rising `recall`, its `precision`, and their `area`."""
    rises = np.flatnonzero(np.diff(recall, prepend=0.0) > 0)  # elsewhere only precision is lost
    if not len(rises):
        return PrecisionRecallCurve([0.0], [0.0], round(area, 6))
    places = np.linspace(0, len(rises) - 1, min(_POINTS, len(rises)))
    keep = rises[np.unique(places.round().astype(int))]
    return PrecisionRecallCurve(_rounded(recall[keep]), _rounded(precision[keep]), round(area, 6))


def _rounded(values: Numbers) -> list[float]:
    return [round(float(value), 4) for value in values]
