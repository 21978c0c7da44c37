"""How the rate of a step changes in the course of teaching, and the mean of weights that ships."""

from math import cos, pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FINAL_LR_RATIO = 0.02  # share of the rate that is left at the end of the cosine


def rate_at(rate: float, done: int, steps: int, warm: float) -> float:
    """Of the step after `done` of `steps`: up to `rate` in a line over the share `warm` of all
    steps, and down a cosine (Loshchilov and Hutter, arXiv 1608.03983)."""
    rising = min(1.0, (done + 1) / max(1.0, warm * steps))
    cosine = FINAL_LR_RATIO + (1 - FINAL_LR_RATIO) * (1 + cos(pi * min(1.0, done / steps))) / 2
    return rate * rising * cosine


def averaged(mean: Floats, values: Floats, keep: float, done: int) -> Floats:
    """The running mean of weights after `done` steps, of which each keeps `keep` of what was
    before, the first ones less (Polyak and Juditsky, 1992)."""
    share = np.float32(min(keep, done / (done + 9)))
    return share * mean + (1 - share) * values
