"""The inverse power law by which errors fall with more samples: error(n) = floor + scale * n^-rate.

Cortes et al., Learning curves: asymptotic values and rate of convergence, NIPS 1993; Hestness et
al., Deep learning scaling is predictable, empirically, arXiv 1712.00409."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATES = np.linspace(0.1, 1.5, 57)  # the exponents that are tried

Numbers = NDArray[np.float64]


class PowerLaw(NamedTuple):
    """A fitted law, or one for each row of errors: every field has the shape of the rows, [...]."""

    floor: Numbers
    scale: Numbers
    rate: Numbers

    def at(self, n: float) -> Numbers:
        """The error after `n` samples."""
        return np.asarray(self.floor + self.scale * n**-self.rate)


def fitted(sizes: Numbers, errors: Numbers) -> PowerLaw:
    """The least-squares fit to `errors` [..., k] after `sizes` [k] samples, with floor and scale of
    at least 0; of equally good fits that with the smallest rate."""
    x = (sizes / sizes[-1]) ** -RATES[:, None]  # [rates, k]
    e = errors[..., None, :]
    mean_x, mean_e = x.mean(axis=-1), e.mean(axis=-1)
    scale = ((x - mean_x[:, None]) * e).sum(axis=-1) / ((x - mean_x[:, None]) ** 2).sum(axis=-1)
    below = mean_e < scale * mean_x
    scale = np.maximum(np.where(below, (x * e).sum(axis=-1) / (x**2).sum(axis=-1), scale), 0)
    floor = np.where(below, 0.0, mean_e - scale * mean_x)
    misses = ((floor[..., None] + scale[..., None] * x - e) ** 2).sum(axis=-1)
    best = misses.round(12).argmin(axis=-1)[..., None]
    taken = [np.take_along_axis(values, best, axis=-1)[..., 0] for values in (floor, scale)]
    rate = RATES[best[..., 0]]
    return PowerLaw(taken[0], taken[1] * sizes[-1] ** rate, rate)
