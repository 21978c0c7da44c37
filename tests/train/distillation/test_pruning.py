"""Which channels are cut."""

import numpy as np
import pytest

from stages.config.distillation import Prune
from stages.models.channel_groups import ChannelGroups, Dimension
from stages.train.distillation.pruning import (
    _rounded,
    compressed_bytes,
    importance,
    prune_network,
    without_smallest,
)

GROUP = (Dimension("first.weight", 0), Dimension("second.weight", 1))


@pytest.fixture
def arrays():
    """32 filters, of which each eighth is small, and each eighth equals another."""
    filters = np.random.default_rng(0).normal(size=(32, 3, 3, 3)).astype(np.float32)
    filters[::8] *= 0.1
    return {"first.weight": filters, "second.weight": np.ones((5, 32, 1, 1), np.float32)}


@pytest.fixture
def channels():
    return ChannelGroups((GROUP,), {"first.weight": 4, "second.weight": 4})


def test_l1_ranks_by_absolute_weights(arrays):
    values = importance(GROUP, arrays, "l1")

    assert set(np.argsort(values)[:4]) == {0, 8, 16, 24}


def test_fpgm_ranks_by_the_distance_from_the_other_filters(arrays):
    filters = arrays["first.weight"].reshape(32, -1)
    distances = np.linalg.norm(filters[:, None] - filters[None], axis=2).sum(axis=1)

    values = importance(GROUP, arrays, "fpgm")

    np.testing.assert_allclose(values, distances / distances.mean(), rtol=1e-6)


def test_fpgm_cuts_what_others_can_replace_and_l1_does_not():
    base = np.random.default_rng(1).normal(size=(1, 3, 3, 3)).astype(np.float32)
    distinct = np.random.default_rng(2).normal(size=(8, 3, 3, 3)).astype(np.float32)
    filters = np.concatenate([np.repeat(base * 1.5, 8, axis=0), distinct])  # large, and all alike
    arrays = {"first.weight": filters, "second.weight": np.ones((5, 16, 1, 1), np.float32)}

    by_fpgm = np.argsort(importance(GROUP, arrays, "fpgm"))[:4]
    by_l1 = np.argsort(importance(GROUP, arrays, "l1"))[:4]

    assert all(by_fpgm < 8)
    assert all(by_l1 >= 8)


def test_all_members_of_a_group_lose_the_same_channels(arrays, channels):
    pruned = prune_network(channels, arrays, Prune(by="l1", share=0.4))

    assert pruned["first.weight"].shape[0] == pruned["second.weight"].shape[1]
    assert pruned["first.weight"].shape[0] % 8 == 0
    remaining = [row.tolist() for row in pruned["first.weight"]]
    for small in (0, 8, 16, 24):
        assert arrays["first.weight"][small].tolist() not in remaining


def test_a_narrow_group_keeps_a_multiple_of_four_channels_and_a_wide_one_of_eight():
    assert [_rounded(count, 16) for count in (1, 5, 7, 13)] == [4, 4, 8, 12]
    assert [_rounded(count, 64) for count in (1, 5, 13, 63)] == [8, 8, 16, 64]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_at_least_the_share_is_removed(arrays, channels, share):
    pruned = prune_network(channels, arrays, Prune(by="l1", share=share))

    shapes = [{name: array.shape for name, array in each.items()} for each in (arrays, pruned)]
    before, after = map(channels.multiply_adds, shapes)
    assert after <= (1 - share) * before


@pytest.mark.parametrize(("share", "zeros"), [(0.5, 3), (0.9, 5), (0.1, 1)])
def test_the_smallest_weights_by_absolute_value_become_zero(share, zeros):
    weights = np.array([[3, -1, 0.5], [-4, 2, 1.5]], np.float32)

    sparse = without_smallest(weights, share)

    smallest = sorted(np.abs(weights).ravel())[:zeros]
    assert set(np.abs(weights[sparse == 0])) == set(smallest)
    assert (sparse[sparse != 0] == weights[sparse != 0]).all()
    assert weights[0, 2] == 0.5, "the teacher's stay"


def test_magnitude_changes_no_shape_and_makes_only_what_is_compressed_smaller(arrays, channels):
    arrays["first.bias"] = np.full(32, 1e-6, np.float32)

    pruned = prune_network(channels, arrays, Prune(by="magnitude", share=0.75))

    assert {name: array.shape for name, array in pruned.items()} == {
        name: array.shape for name, array in arrays.items()
    }
    assert float((pruned["first.weight"] == 0).mean()) == pytest.approx(0.75, abs=0.01)
    assert (pruned["first.bias"] != 0).all(), "biases are no weights of a layer"
    assert compressed_bytes(pruned) < 0.6 * compressed_bytes(arrays)
