"""The learning rate rises in a line and comes down a cosine; weights are averaged as they say."""

import numpy as np
import pytest

from stages.train.distributed.schedule import FINAL_LR_RATIO, learning_rate_at, running_mean


@pytest.mark.parametrize(
    ("done", "share"),
    [(0, 1), (25, 0.5 + 0.5 * np.cos(np.pi / 4)), (50, 0.5), (100, 0), (130, 0)],
)
def test_without_warm_up_the_rate_is_a_cosine_down_to_its_final_share(done, share):
    expected = FINAL_LR_RATIO + (1 - FINAL_LR_RATIO) * share

    assert learning_rate_at(2.0, done, 100, 0.0) == pytest.approx(2.0 * expected)


def test_in_the_warm_up_it_rises_in_a_line():
    whole = [learning_rate_at(1.0, done, 1000, 0.0) for done in range(120)]
    rising = [learning_rate_at(1.0, done, 1000, 0.1) for done in range(120)]

    shares = np.divide(rising, whole)
    np.testing.assert_allclose(shares[:100], np.arange(1, 101) / 100)
    np.testing.assert_allclose(shares[100:], 1)


def test_the_mean_of_weights_keeps_its_share_and_less_at_first():
    mean, values = np.zeros(2, np.float32), np.ones(2, np.float32)

    assert running_mean(mean, values, 0.98, 10**6) == pytest.approx(0.02)
    assert running_mean(mean, values, 0.98, 1) == pytest.approx(0.9)
