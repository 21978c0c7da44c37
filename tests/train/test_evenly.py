"""Some samples of a list are spread over all of it."""

import numpy as np
import pytest

from stages.train.distributed.flat_optimizer import finite_loss
from stages.train.evenly import evenly


@pytest.mark.parametrize(("count", "most"), [(10, 4), (10, 10), (3, 8), (1, 5), (0, 3), (2048, 7)])
def test_indices_are_in_the_list_and_spread_over_it(count, most):
    found = evenly(count, most)

    assert len(found) == len(set(found.tolist())) == min(count, most)
    assert set(found.tolist()) <= set(range(count))
    if len(found) > 1:
        assert (found[0], found[-1]) == (0, count - 1)
        assert np.ptp(np.diff(found)) <= 1


@pytest.mark.parametrize("loss", [np.nan, np.inf, 1e300])
def test_a_loss_that_is_no_number_is_not_a_small_one(loss):
    with np.errstate(over="ignore"):
        assert finite_loss(loss) > 1e38


def test_other_losses_are_as_they_are():
    assert finite_loss(0.25) == 0.25
