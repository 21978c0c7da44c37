"""Metrics of classifications in plain numpy, each with a 95 % interval.

The stages call `measure`; the other functions are its parts and useful alone."""

from stages.metrics.curves import PrecisionRecallCurve, curves
from stages.metrics.intervals import proportion, wilson
from stages.metrics.measured import OVERALL, PER_LABEL, Measured, confusion_matrix, measure
from stages.metrics.paired import balanced_drop, loss_rise, paired_drop, recall_drops
from stages.metrics.size import samples_to_decide, samples_to_narrow
from stages.metrics.thresholds import Threshold, recommended, thresholds

__all__ = [
    "OVERALL",
    "PER_LABEL",
    "Measured",
    "PrecisionRecallCurve",
    "Threshold",
    "balanced_drop",
    "confusion_matrix",
    "curves",
    "loss_rise",
    "measure",
    "paired_drop",
    "proportion",
    "recall_drops",
    "recommended",
    "samples_to_decide",
    "samples_to_narrow",
    "thresholds",
    "wilson",
]
