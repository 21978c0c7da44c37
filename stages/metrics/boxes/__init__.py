"""Metrics of boxes, each with a 95 % interval.

A predicted box is right if it has the label of a true box and overlaps with it by at least half.
All intervals account for the dependence of boxes in one picture."""

from collections.abc import Sequence
from typing import Any

from stages.artifacts import Measure
from stages.metrics.boxes.average_precision import ap50, average_precisions
from stages.metrics.boxes.box_curves import box_curves
from stages.metrics.boxes.box_measures import by_label, macro_and_micro, precisions, tallies
from stages.metrics.boxes.box_pairs import box_agreement, paired_ap_drop, recall_pairs
from stages.metrics.boxes.box_thresholds import (
    BoxThreshold,
    better_threshold,
    box_threshold_interval,
    box_thresholds,
    recommended_threshold,
)
from stages.metrics.boxes.matching import Matches, area, matches, overlaps
from stages.metrics.boxes.outcomes import (
    FALSE,
    MISPLACED,
    RIGHT,
    WRONG,
    BoxOutcome,
    Outcomes,
    confusion,
    outcomes,
)
from stages.metrics.measured import Measured

__all__ = [
    "FALSE",
    "MISPLACED",
    "RIGHT",
    "WRONG",
    "BoxOutcome",
    "BoxThreshold",
    "Matches",
    "Outcomes",
    "ap50",
    "area",
    "average_precisions",
    "better_threshold",
    "box_agreement",
    "box_curves",
    "box_threshold_interval",
    "box_thresholds",
    "confusion",
    "matches",
    "measure_boxes",
    "outcomes",
    "overlaps",
    "paired_ap_drop",
    "recall_pairs",
    "recommended_threshold",
]


def measure_boxes(
    truth: Sequence[Any],
    answers: Sequence[Any],
    labels: Sequence[str],
    threshold: float,
    seed: int = 0,
    found: Matches | None = None,
    groups: Sequence[str] = (),
) -> Measured:
    """Measure `answers` against `truth`; both as for `matches`, whose result may be given as
    `found`. `groups`: of the pictures, if they come in groups; intervals are over these.

    AP50 and AP50:95 use all boxes; precision, recall, F1 and the confusion matrix those with a
    score of at least `threshold`. The matrix has a last row for background and a last column for
    missed boxes."""
    found = found or matches(truth, answers, len(labels), groups)
    tally = tallies(found, threshold)
    overall, each = precisions(found, truth, answers, seed)
    support, boxes = found.support.sum(axis=0), len(found.true)
    measured = [
        {**measures, "support": Measure(value=n, low=n, high=n, n=boxes), "ap50": ap}
        for measures, ap, n in zip(by_label(tally, seed), each, support.tolist(), strict=True)
    ]
    return Measured(
        overall | macro_and_micro(tally, seed),
        dict(zip(labels, measured, strict=True)),
        confusion(found, outcomes(found, threshold)),
    )
