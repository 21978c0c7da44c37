"""The mean of a measure over trainings that differ in their seed alone."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, stdev

from stages.artifacts import Measure

# 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom; more: that of the last
QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def over_seeds(measures: Sequence[Measure]) -> Measure:
    """The mean of `measures`, those of equal networks that were trained with different seeds and
    measured on the same samples, with a 95 % interval: on each side the root of two squares summed,
    the mean distance of their own intervals (which samples were drawn), and that of Student's t for
    the mean of so few seeds (how the training went). Of one measure, itself."""
    value = fmean(each.value for each in measures)
    if len(measures) == 1:
        return measures[0]
    quantile = QUANTILES[min(len(measures) - 1, len(QUANTILES)) - 1]
    of_seeds = quantile * stdev(each.value for each in measures) / sqrt(len(measures))
    below = fmean(each.value - each.low for each in measures)
    above = fmean(each.high - each.value for each in measures)
    changes = {
        "value": value,
        "low": value - sqrt(below**2 + of_seeds**2),
        "high": value + sqrt(above**2 + of_seeds**2),
    }
    return measures[0].model_copy(update=changes)
