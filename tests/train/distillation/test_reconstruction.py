"""Channels that others make up for are removed, and the layers behind them give the same."""

import numpy as np
import paddle
import pytest

from stages.config.distillation import Prune
from stages.models.channel_groups import ChannelGroups, Dimension, channel_groups
from stages.models.network import Classifier, Head, assemble
from stages.parts import FAMILIES
from stages.train.distillation import reconstruction
from stages.train.distillation.pruning import prune_network, pruned_arrays
from stages.train.distillation.reconstruction import (
    eliminated,
    readers_of,
    reconstructed,
    second_moments,
)

GROUP = (Dimension("first.weight", 0), Dimension("second.weight", 1))
RANK, WIDTH = 24, 64


@pytest.fixture
def values():
    """What the second layer reads: 64 channels that are mixtures of 24, [rows, channels]."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(4000, RANK)) @ rng.normal(size=(RANK, WIDTH))


@pytest.fixture
def arrays():
    rng = np.random.default_rng(1)
    return {
        "first.weight": rng.normal(size=(WIDTH, 3, 3, 3)).astype(np.float32),
        "second.weight": rng.normal(size=(5, WIDTH, 1, 1)).astype(np.float32),
    }


@pytest.fixture
def channels():
    return ChannelGroups((GROUP,), {"first.weight": 4, "second.weight": 4})


def test_a_layer_gives_the_same_without_the_channels_that_others_determine(
    arrays, channels, values, monkeypatch
):
    monkeypatch.setattr(reconstruction, "DAMPING", 1e-9)
    moments = {"second.weight": values.T @ values / len(values)}

    pruned = reconstructed(channels, arrays, 0.6, moments)

    assert pruned["first.weight"].shape[0] == pruned["second.weight"].shape[1] == RANK
    [rows] = [
        [int(np.flatnonzero((arrays["first.weight"] == row).all(axis=(1, 2, 3)))[0])
         for row in pruned["first.weight"]]
    ]  # fmt: skip
    before = values @ arrays["second.weight"][:, :, 0, 0].T
    after = values[:, rows] @ pruned["second.weight"][:, :, 0, 0].T
    assert np.abs(after - before).max() < 1e-3 * np.abs(before).max()


def test_errors_are_those_of_the_least_squares_fit():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(500, 16)) * np.linspace(0.1, 2, 16)
    matrix = rng.normal(size=(3, 16))
    moments = values.T @ values / len(values)

    order, errors = eliminated([(moments, matrix)])

    remaining = sorted(order[8:])
    fitted, *_ = np.linalg.lstsq(values[:, remaining], values @ matrix.T, rcond=None)
    left = values @ matrix.T - values[:, remaining] @ fitted
    share = (left**2).sum() / ((values @ matrix.T) ** 2).sum()
    assert sum(errors[:8]) == pytest.approx(share, rel=0.05)
    assert sorted(order) == list(range(16))


def test_a_channel_that_nothing_replaces_goes_last():
    rng = np.random.default_rng(3)
    values = np.repeat(rng.normal(size=(300, 1)), 16, axis=1)
    values[:, 5] = rng.normal(size=300)
    matrix = np.ones((2, 16))

    order, _ = eliminated([(values.T @ values / 300, matrix)])

    assert 5 in order[8:]


def test_layers_of_3_by_3_are_not_reconstructed(channels, arrays):
    arrays["second.weight"] = np.ones((5, WIDTH, 3, 3), np.float32)

    assert readers_of(GROUP, arrays) == []
    assert reconstructed(channels, arrays, 0.4, {}) is None


def test_what_layers_read_is_measured_on_every_window():
    network = paddle.nn.Sequential(
        paddle.nn.Conv2D(3, 4, 1, bias_attr=False), paddle.nn.Flatten(), paddle.nn.Linear(16, 2)
    )
    windows = np.random.default_rng(0).normal(size=(11, 3, 2, 2)).astype(np.float32)

    found = second_moments(network, ["0.weight", "2.weight"], windows)

    rows = windows.transpose(0, 2, 3, 1).reshape(-1, 3)
    np.testing.assert_allclose(found["0.weight"], rows.T @ rows / len(rows), rtol=1e-5, atol=1e-6)
    kernel = network[0].weight.numpy()[:, :, 0, 0]
    inner = (rows @ kernel.T).reshape(11, 4, 4).transpose(0, 2, 1).reshape(11, 16)
    np.testing.assert_allclose(found["2.weight"], inner.T @ inner / 11, rtol=1e-4, atol=1e-5)
    assert not network[0]._forward_pre_hooks


@pytest.fixture(scope="module")
def backbone():
    """A network with random weights whose outputs depend on its input, and windows."""
    family = FAMILIES["efficientnet_lite0"]
    paddle.seed(0)
    layer = Classifier(family.backbone(), Head(family.features, 0, 3))
    windows = np.random.default_rng(0).normal(size=(16, 3, 64, 64)).astype(np.float32)
    layer.eval()
    return family, {key: each.numpy().copy() for key, each in layer.state_dict().items()}, windows


def test_a_reconstructed_network_is_nearer_to_the_whole_than_one_pruned_by_weights(backbone):
    family, arrays, windows = backbone
    by_fit, by = pruned_arrays(family, arrays, Prune(share=0.3), windows)
    channels = channel_groups(assemble(family.name, arrays), windows.shape[1:])
    by_weights = prune_network(channels, arrays, Prune(by="l1", share=0.3))

    with paddle.no_grad():
        whole, fitted, by_size = (
            assemble(family.name, each)(paddle.to_tensor(windows)).numpy()
            for each in (arrays, by_fit, by_weights)
        )

    assert by == "reconstruction"
    shapes = [{name: each.shape for name, each in net.items()} for net in (arrays, by_fit)]
    before, after = map(channels.multiply_adds, shapes)
    assert 0.6 * before < after <= 0.7 * before
    assert np.square(fitted - whole).mean() < 0.5 * np.square(by_size - whole).mean()


def test_a_network_of_layers_of_3_by_3_is_pruned_by_weights():
    family = FAMILIES["resnet18"]
    layer = Classifier(family.backbone(), Head(family.features, 0, 3))
    arrays = {key: each.numpy().copy() for key, each in layer.state_dict().items()}

    pruned = pruned_arrays(family, arrays, Prune(share=0.4), np.zeros((2, 3, 64, 64), np.float32))

    assert pruned.by == "l1"
    assert sum(each.size for each in pruned.arrays.values()) < 0.7 * sum(
        each.size for each in arrays.values()
    )
