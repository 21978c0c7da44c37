"""What every model family promises. A new family is tested here the day it is on the board."""

import numpy as np
import pytest

from stages.parts import FAMILIES

NAMES = list(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_says_where_it_comes_from(name: str):
    family = FAMILIES[name]

    assert family.name == name
    assert family.paper.startswith("https://")
    assert family.licence
    assert len(family.weights.sha256) == 64
    assert family.weights.package.endswith("-model")
    assert family.size % family.multiple == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_published_tensor_has_its_place_and_every_place_its_tensor(name: str):
    family = FAMILIES[name]

    places = family.trunk().state_dict()

    weights = family.load()
    assert set(places) == set(weights)
    assert all(tuple(places[key].shape) == weights[key].shape for key in places)
    assert sum(array.size for array in weights.values()) == family.parameters


@pytest.mark.parametrize("name", NAMES)
def test_gives_features_of_the_promised_width_at_two_sizes(name: str):
    family = FAMILIES[name]
    trunk = _pretrained(name)

    for side in (family.multiple * 2, family.multiple * 3):
        assert trunk(_pictures(side)).shape == [2, family.features]


@pytest.mark.parametrize("name", NAMES)
def test_larger_pictures_cost_more(name: str):
    family = FAMILIES[name]

    assert family.seconds(family.size) == family.cost
    assert family.seconds(family.size * 2) == pytest.approx(4 * family.cost)


FACTS = {  # mean, deviation and largest of the features below; 6 is where ReLU6 ends
    "efficientnet_lite0": [0.472441, 1.152639, 6.0],
    "efficientnet_lite1": [0.936815, 1.716751, 6.0],
    "efficientnet_lite2": [0.538546, 1.249403, 6.0],
}


@pytest.mark.parametrize("name", list(FACTS))
def test_a_known_picture_has_the_features_it_had(name: str):
    features = _pretrained(name)(_pictures(64)).numpy()

    np.testing.assert_allclose(_facts(features), FACTS[name], rtol=1e-3)


def _facts(features) -> list[float]:
    return [float(features.mean()), float(features.std()), float(features.max())]


def _pretrained(name: str):
    from stages.models.network import fill

    trunk = FAMILIES[name].trunk()
    fill(trunk, FAMILIES[name].load())
    trunk.eval()
    return trunk


def _pictures(side: int):
    import paddle

    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    waves = [np.sin(9 * x + 4 * y), np.cos(7 * y - x), x * y * 2 - 1]
    return paddle.to_tensor(np.stack([np.stack(waves), -np.stack(waves)]).astype(np.float32))
