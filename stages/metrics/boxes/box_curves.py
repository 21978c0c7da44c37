"""Precision-recall curves of boxes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.metrics.boxes.matching import Matches
from stages.metrics.curves import PrecisionRecallCurve, drawn_curve


def box_curves(
    found: Matches, precisions: NDArray[np.float64], labels: Sequence[str]
) -> dict[str, PrecisionRecallCurve]:
    """The curves of the labels that have true boxes; `precisions`: their AP50, [labels]."""
    support = found.support.sum(axis=0)
    drawn = {}
    for index in np.flatnonzero(support):
        mine = found.label == index
        hits = np.cumsum(found.found[mine] >= 0)
        last = np.append(np.diff(found.score[mine]) != 0, True)[: len(hits)]
        predicted = np.arange(1, len(hits) + 1)
        recall, precision = hits[last] / support[index], hits[last] / predicted[last]
        drawn[labels[index]] = drawn_curve(recall, precision, float(precisions[index]))
    return drawn
