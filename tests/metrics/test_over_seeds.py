"""The mean over seeds: its interval has both what samples and what seeds leave open."""

import numpy as np
import pytest

from stages.artifacts import Measure
from stages.metrics.over_seeds import over_seeds


def measure(value: float, wide: float) -> Measure:
    return Measure(value=value, low=value - wide, high=value + wide, n=100)


def test_one_seed_is_itself():
    assert over_seeds([measure(0.5, 0.1)]) == measure(0.5, 0.1)


def test_equal_seeds_leave_what_the_samples_leave_open():
    mean = over_seeds([measure(0.5, 0.1)] * 3)

    assert (mean.value, mean.low, mean.high) == pytest.approx((0.5, 0.4, 0.6))


def test_seeds_that_differ_widen_the_interval():
    mean = over_seeds([measure(value, 0.03) for value in (0.4, 0.5, 0.6)])

    of_seeds = 4.303 * 0.1 / 3**0.5
    assert mean.value == pytest.approx(0.5)
    assert mean.high - mean.value == pytest.approx((0.03**2 + of_seeds**2) ** 0.5)


def test_the_interval_contains_the_true_mean_of_seeds_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        mean = over_seeds([measure(value, 0.0) for value in rng.normal(0.7, 0.02, 3)])
        hits += mean.low <= 0.7 <= mean.high

    assert 0.93 < hits / 2000 < 0.97
