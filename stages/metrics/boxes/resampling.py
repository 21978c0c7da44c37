"""Intervals from resamples of the test's pictures, as boxes of one picture are not independent.

A bootstrap over clusters: Davison and Hinkley (1997), Bootstrap methods and their application, 3.8.
The interval is Wilson's for the effective number of independent boxes, with Student's deviate for
the number of pictures (Korn and Graubard 1998, see metrics/macro.py). It has the right shape near 0
and 1, where quantiles of a bootstrap are too narrow."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.bootstrap import RESAMPLES
from stages.metrics.intervals import Z, student, wilson

FEWEST = 400  # resamples, however many boxes there are
_WORK = 100_000_000  # boxes times resamples
_BLOCK = 4_000_000  # numbers in memory at once

Numbers = NDArray[np.float64]


def resampled(
    count: Callable[[Numbers], Numbers], images: int, boxes: int, seed: int, axis: int = 0
) -> Numbers:
    """Apply `count` to seeded resamples of `images` pictures with `boxes` in total; the results are
    joined along `axis`.

    `count` takes weights [r, images]: how often each picture was drawn. The resamples are equal for
    equal `images`, `boxes` and `seed`, so that two sets of predictions can be compared."""
    rng = np.random.default_rng(seed)
    total = int(np.clip(_WORK // max(boxes, 1), FEWEST, RESAMPLES))
    rows = max(1, _BLOCK // max(boxes, images, 1))
    sizes = [min(rows, total - start) for start in range(0, total, rows)]
    even = np.full(images, 1 / images)
    parts = [count(rng.multinomial(images, even, size=size).astype(np.float64)) for size in sizes]
    return np.concatenate(parts, axis=axis)


def share(value: float, drawn: Numbers, boxes: float, pictures: int, n: int) -> Measure:
    """The share `value` of `n` with its interval. `drawn`: its values in the resamples, NaN if
    undefined. `boxes`: the upper bound of the effective number of boxes. `pictures`: the number of
    pictures with any of them."""
    if not boxes or not n:
        return Measure(value=0.0, low=0.0, high=1.0, n=0)
    if pictures < 2:  # the variance between pictures is unknown
        return Measure(value=value, low=0.0, high=1.0, n=n)
    finite = drawn[np.isfinite(drawn)]
    variance = float(finite.var()) * pictures / (pictures - 1)
    effective = min(value * (1 - value) / max(variance, 1e-12) if 0 < value < 1 else boxes, boxes)
    effective *= (Z / student(pictures - 1)) ** 2
    low, high = wilson(value * effective, effective)
    return Measure(value=value, low=min(low, value), high=max(high, value), n=n)
