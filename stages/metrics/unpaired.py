"""Compares a metric on two sets of different samples.

The interval of the difference follows from the intervals of both values: Newcombe's hybrid score
interval (1998, Interval estimation for the difference between independent proportions, Statistics
in Medicine 17, 873-890, method 10), which Zou and Donner (2008, Construction of confidence limits
about effect measures, Statistics in Medicine 27, 1693-1702) extend to any metric with an
interval."""

import math

from stages.artifacts import Measure


def drop_between(before: Measure, after: Measure) -> Measure:
    """The drop from `before` to `after`, positive if `after` is lower; `n` is the smaller count.

    -1 to 1 if either was not measured."""
    n = min(before.n, after.n)
    if not n:
        return Measure(value=0.0, low=-1.0, high=1.0, n=0)
    value = before.value - after.value
    down = math.hypot(before.value - before.low, after.high - after.value)
    up = math.hypot(before.high - before.value, after.value - after.low)
    return Measure(value=value, low=value - down, high=value + up, n=n)
