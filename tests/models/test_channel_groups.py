"""Cutting a group of channels gives the network in which they were zero, whatever the layers."""

import numpy as np
import paddle
import pytest

from stages.config.distillation import Prune
from stages.models.channel_groups import Dimension, channel_groups
from stages.models.network import Classifier, Head, assemble
from stages.parts import FAMILIES
from stages.runtime.errors import Damaged
from stages.train.distillation.pruning import prune_network, pruning_cost

SHAPE = (3, 64, 64)
# depthwise and residual; squeeze-and-excitation; concatenations, which stay whole
NAMES = ("efficientnet_lite0", "mobilenet_v3_small", "squeezenet")


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    family = FAMILIES[request.param]
    paddle.seed(0)
    layer = Classifier(family.backbone(), Head(family.features, 0, 3))
    layer.eval()
    arrays = {name: tensor.numpy().copy() for name, tensor in layer.state_dict().items()}
    return family, layer, arrays, channel_groups(layer, SHAPE)


def zeroed(arrays, channels, remaining_of_groups):
    """`arrays` with zeros in all channels but the remaining ones of each group."""
    found = {name: array.copy() for name, array in arrays.items()}
    for group, remaining in zip(channels.groups, remaining_of_groups, strict=True):
        for name, axis in group:
            removed = np.setdiff1d(np.arange(arrays[name].shape[axis]), remaining)
            view = np.moveaxis(found[name], axis, 0)
            view[removed] = 0
    return found


def narrowed(arrays, channels, remaining):
    found = dict(arrays)
    for group, indices in zip(channels.groups, remaining, strict=True):
        for name, axis in group:
            found[name] = np.take(found[name], indices, axis=axis)
    return found


def test_a_cut_network_answers_as_the_one_with_zeroed_channels(network):
    family, _, arrays, channels = network
    rng = np.random.default_rng(0)
    remaining = []
    for group in channels.groups:
        width = arrays[group[0].name].shape[group[0].axis]
        remaining.append(
            np.sort(rng.permutation(width)[: max(1, int(width * rng.uniform(0.3, 0.9)))])
        )
    windows = paddle.to_tensor(rng.normal(size=(2, *SHAPE)).astype(np.float32))

    with paddle.no_grad():
        of_zeroed = assemble(family.name, zeroed(arrays, channels, remaining))(windows).numpy()
        of_narrowed = assemble(family.name, narrowed(arrays, channels, remaining))(windows).numpy()

    assert np.abs(of_zeroed).max() > 0
    np.testing.assert_allclose(of_narrowed, of_zeroed, rtol=1e-4, atol=1e-5)


def test_the_share_of_multiply_adds_is_removed(network):
    _, _, arrays, channels = network

    found = pruning_cost(
        channels, arrays, prune_network(channels, arrays, Prune(by="l1", share=0.4))
    )

    before, after = found.multiply_adds
    assert after <= 0.6 * before
    assert after > 0.45 * before
    assert all(0 < width <= whole for whole, width in found.widths.values())


def test_tracing_leaves_the_network_as_it_was(network):
    _, layer, arrays, _ = network

    assert layer.state_dict().keys() == arrays.keys()
    assert not hasattr(layer.forward, "concrete_program")


def test_multiply_adds_are_those_counted_by_hand():
    layer = paddle.nn.Sequential(
        paddle.nn.Conv2D(3, 8, 3, 2, padding=1, bias_attr=False),
        paddle.nn.ReLU(),
        paddle.nn.Conv2D(8, 8, 3, 1, padding=1, groups=8, bias_attr=False),
        paddle.nn.Conv2D(8, 4, 1),
        paddle.nn.AdaptiveAvgPool2D(1),
        paddle.nn.Flatten(),
        paddle.nn.Linear(4, 2),
    )
    layer.eval()

    channels = channel_groups(layer, (3, 16, 16))

    shapes = {name: tuple(tensor.shape) for name, tensor in layer.state_dict().items()}
    expected = 64 * (8 * 3 * 9) + 64 * (8 * 9) + 64 * (4 * 8) + 4 * 2
    assert channels.multiply_adds(shapes) == expected
    joined = {Dimension("0.weight", 0), Dimension("2.weight", 0), Dimension("3.weight", 1)}
    assert joined in [set(group) for group in channels.groups]


def test_channels_of_an_unknown_operator_stay_whole():
    class Rolled(paddle.nn.Layer):
        def __init__(self):
            super().__init__()
            self.convolution = paddle.nn.Conv2D(3, 8, 1)

        def forward(self, window):
            return paddle.roll(self.convolution(window), 1, 1).mean([2, 3])

    layer = Rolled()
    layer.eval()

    assert channel_groups(layer, (3, 8, 8)).groups == ()


def test_weights_that_do_not_fit_each_other_are_refused():
    family = FAMILIES["resnet18"]
    layer = Classifier(family.backbone(), Head(family.features, 0, 3))
    arrays = {name: tensor.numpy() for name, tensor in layer.state_dict().items()}
    wider = np.concatenate([arrays["backbone.conv1.weight"]] * 2)

    with pytest.raises(Damaged, match="do not fit"):
        assemble("resnet18", arrays | {"backbone.conv1.weight": wider})
