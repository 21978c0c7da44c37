"""Learning curves: the law that errors follow is found again, and limits hold."""

import numpy as np
import pytest

from stages.metrics.power_law import RATES, fitted

SIZES = np.array([50.0, 100, 200, 400])


@pytest.mark.parametrize(("floor", "scale", "rate"), [(0.1, 2.0, 0.5), (0.0, 3.0, 0.25)])
def test_a_law_is_found_again(floor, scale, rate):
    law = fitted(SIZES, floor + scale * SIZES**-rate)

    assert (law.floor, law.scale, law.rate) == pytest.approx((floor, scale, rate), abs=1e-9)
    assert law.at(1600) == pytest.approx(floor + scale * 1600**-rate)


def test_each_row_has_a_law_of_its_own():
    rows = np.stack([0.2 + SIZES**-0.5, 0.05 + 2 * SIZES**-1.0])

    laws = fitted(SIZES, rows[:, None])

    assert laws.floor.shape == laws.scale.shape == laws.rate.shape == (2, 1)
    assert laws.rate[:, 0] == pytest.approx([0.5, 1.0])
    assert laws.at(100.0)[:, 0] == pytest.approx(rows[:, 1])


def test_rates_are_tried_from_a_tenth_to_one_and_a_half():
    assert len(RATES) == 57
    assert (RATES[0], RATES[-1]) == (0.1, 1.5)
    assert np.diff(RATES) == pytest.approx(0.025)


def test_errors_that_rise_have_a_law_that_stays():
    law = fitted(SIZES, np.array([0.1, 0.2, 0.3, 0.4]))

    assert (law.floor, law.scale, law.rate) == pytest.approx((0.25, 0.0, 0.1))


def test_no_floor_is_below_zero():
    """The best line is through the origin where a free one would cross zero."""
    errors = np.array([0.5, 0.2, 0.05, 0.01])

    law = fitted(SIZES, errors)

    assert law.floor == 0
    x = SIZES ** -RATES[:, None]
    scales = (x * errors).sum(axis=1) / (x * x).sum(axis=1)
    misses = ((scales[:, None] * x - errors) ** 2).sum(axis=1)
    assert law.rate == RATES[misses.argmin()]
    assert law.scale == pytest.approx(scales[misses.argmin()])


def test_it_is_the_fit_of_least_squares():
    rng = np.random.default_rng(0)
    errors = 0.2 + 2 * SIZES**-0.6 + rng.normal(0, 0.01, (5, 4))

    laws = fitted(SIZES, errors)

    for k, row in enumerate(errors):
        misses = []
        for rate in RATES:
            line = np.stack([np.ones(4), SIZES**-rate], axis=1)
            (floor, scale), *_ = np.linalg.lstsq(line, row, rcond=None)
            if floor >= 0 and scale >= 0:
                misses.append((float(((line @ [floor, scale] - row) ** 2).sum()), rate))
        assert laws.rate[k] == min(misses)[1]
