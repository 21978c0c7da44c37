"""Computes the learning rate of each step, and the running mean of the weights, which ships."""

from math import cos, pi

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FINAL_LR_RATIO = 0.02  # the last learning rate, as a share of the highest one


def learning_rate_at(rate: float, done: int, steps: int, warm_up_share: float) -> float:
    """The learning rate of the step after the first `done` of `steps` steps. `rate`: the factor of
    the whole schedule; `warm_up_share`: the share of all steps over which a factor rises linearly
    to 1, while a cosine falls from 1 to FINAL_LR_RATIO over all steps (Loshchilov and Hutter, arXiv
    1608.03983)."""
    rising = min(1.0, (done + 1) / max(1.0, warm_up_share * steps))
    cosine = FINAL_LR_RATIO + (1 - FINAL_LR_RATIO) * (1 + cos(pi * min(1.0, done / steps))) / 2
    return rate * rising * cosine


def running_mean(mean: Floats, values: Floats, decay: float, done: int) -> Floats:
    """The running mean of the weights after `done` steps: `mean`, the one before the last step,
    updated with the present weights `values`. `decay`: the share of `mean` that a step keeps; the
    first steps keep less, as the initial weights should soon be forgotten (Polyak and Juditsky,
    1992)."""
    share = np.float32(min(decay, done / (done + 9)))
    return share * mean + (1 - share) * values
