"""The class activation map adds up to the logit, and is highest where the object is."""

import numpy as np
import pytest

from stages.parts import FAMILIES
from tests.models.exporting import arrays_of
from tests.models.test_inner_maps import head_of

NAME = "squeezenet"
LABELS = 3
WINDOW = np.random.default_rng(3).normal(size=(3, 64, 64)).astype(np.float32)


def network_of(name, features, hidden=0):
    from stages.models.network import assemble

    return assemble(name, arrays_of(name) | head_of(features, hidden))


def test_the_map_of_a_linear_head_is_exact():
    import paddle

    from stages.models.class_activation import class_activation

    network = network_of(NAME, FAMILIES[NAME].features)

    evidence, logits = class_activation(network, WINDOW, 1)

    with paddle.no_grad():
        expected = network(paddle.to_tensor(WINDOW[None])).numpy()[0]
    bias = network.head.out.bias.numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    wanted = (logits - bias)[1] - (logits - bias).mean()
    assert evidence.shape == (64, 64)
    # bilinear interpolation moves a little over the edges
    assert evidence.sum() == pytest.approx(wanted, rel=0.1, abs=0.05)


def test_the_map_is_the_heads_weights_on_the_last_map():
    import paddle

    from stages.models.class_activation import class_activation

    network = network_of(NAME, FAMILIES[NAME].features)
    with paddle.no_grad():
        last = paddle.to_tensor(WINDOW[None])
        for part in network.backbone.parts()[:-1]:
            last = part(last)
    weights = network.head.out.weight.numpy()
    plain = np.tensordot(weights[:, 2] - weights.mean(axis=1), last.numpy()[0], 1)

    evidence, _ = class_activation(network, WINDOW, 2)

    side = plain.shape[0]
    step = 64 / side
    middles = (np.arange(side) + 0.5) * step
    sampled = evidence[np.ix_(middles.astype(int), middles.astype(int))] * 64 * 64
    assert np.corrcoef(sampled.ravel(), plain.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(
    ("name", "features", "hidden"),
    [
        ("squeezenet", "last", 16),
        ("efficientnet_lite0", "last+16", 0),
        ("efficientnet_lite0", "last+16", 8),
        ("pp_lcnet", "last", 0),
    ],
)
def test_hidden_units_inner_maps_and_layers_behind_the_mean_give_maps(name, features, hidden):
    from stages.models.class_activation import class_activation

    network = network_of(name, FAMILIES[name].feature_counts[features], hidden)

    evidence, logits = class_activation(network, WINDOW, 0)

    assert np.isfinite(evidence).all()
    assert evidence.std() > 0
    assert logits.shape == (LABELS,)


def test_a_network_trained_from_scratch_gives_a_map():
    import paddle

    from stages.models.class_activation import class_activation
    from stages.models.network import Classifier, Head
    from stages.models.small_image_layers import SmallImage

    backbone = SmallImage(2, (3, 64, 64), hidden=True)
    network = Classifier(backbone, Head(2 * backbone.features, 0, LABELS))
    network.eval()
    windows = composed = paddle.to_tensor(WINDOW[None])
    for part in backbone.parts():
        composed = part(composed)

    found = class_activation(network, WINDOW, 0)

    np.testing.assert_allclose(composed.numpy(), backbone(windows).numpy(), rtol=1e-6)
    assert found is not None
    assert found[0].std() > 0


def test_a_network_without_maps_gives_none():
    import paddle

    from stages.models.class_activation import class_activation

    flat = paddle.nn.Sequential(paddle.nn.Flatten(), paddle.nn.Linear(3 * 64 * 64, LABELS))

    assert class_activation(flat, WINDOW, 0) is None
