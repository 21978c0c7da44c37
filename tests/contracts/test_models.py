"""What every model family promises. A new family is tested here the day it is on the board."""

import numpy as np
import pytest

from stages.models.family import SCRATCH
from stages.models.weights import PackedWeights, Published
from stages.parts import FAMILIES, MODALITIES, TRAINERS
from stages.runtime.errors import InfrastructureError
from tests import makers


def marked(name: str):
    """Weights that are not in an installed package have to be fetched first."""
    fetched = isinstance(FAMILIES[name].weights, PackedWeights)
    return pytest.param(name, marks=pytest.mark.slow if fetched else ())


NAMES = list(FAMILIES)
PUBLISHED = [marked(name) for name in NAMES if isinstance(FAMILIES[name].weights, Published)]
BACKBONES = [name for name in NAMES if FAMILIES[name].features]
LARGE = 12_000_000  # parameters above which a test takes its time
SPLIT = [
    pytest.param(name, marks=pytest.mark.slow if FAMILIES[name].parameters > LARGE else ())
    for name in NAMES
    if FAMILIES[name].split_points
]


@pytest.fixture(scope="session")
def load(tmp_path_factory):
    """A family's published weights; fetched once for all tests."""
    resources = makers.resources(tmp_path_factory.mktemp("fetched"))

    def loaded(name: str):
        try:
            return FAMILIES[name].load(resources)
        except InfrastructureError as error:
            pytest.skip(str(error))

    return loaded


@pytest.mark.parametrize("name", NAMES)
def test_says_where_it_comes_from_and_who_can_use_it(name: str):
    family = FAMILIES[name]

    assert family.name == name
    assert family.paper.startswith("https://")
    assert family.licence
    assert family.notice or family.licence != "none stated"
    assert family.takes in MODALITIES
    assert family.trainer in TRAINERS
    assert family.size % family.multiple == 0
    assert all(len(digest) == 64 for digest in family.digests.values())
    assert len(family.digests) == isinstance(family.weights, Published)


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_tensor_has_its_place_and_every_place_its_tensor(name: str, load):
    family = FAMILIES[name]

    places = family.backbone().state_dict()

    weights = load(name)
    assert set(places) == set(weights)
    assert all(tuple(places[key].shape) == weights[key].shape for key in places)
    assert sum(array.size for array in weights.values()) == family.parameters


@pytest.mark.parametrize("name", BACKBONES)
def test_gives_features_of_the_promised_width_at_any_size_that_it_takes(name: str):
    import paddle

    family = FAMILIES[name]
    backbone = family.backbone()
    backbone.eval()

    for times in (1, 2):
        shape = [side or family.multiple * family.segments * times for side in family.shape]
        assert backbone(paddle.rand([2, *shape])).shape == [2, family.features]


@pytest.mark.parametrize("name", BACKBONES)
def test_has_as_many_parameters_as_it_says(name: str):
    places = FAMILIES[name].backbone().state_dict().values()

    assert sum(place.size for place in places) == FAMILIES[name].parameters


@pytest.mark.parametrize("name", SPLIT)
def test_its_parts_one_after_the_other_are_the_backbone(name: str):
    import paddle

    family = FAMILIES[name]
    backbone, window = family.backbone(), paddle.rand([2, 3, family.multiple, family.multiple])
    backbone.eval()

    features = window
    for part in backbone.parts():
        features = part(features)

    assert (features == backbone(window)).all()
    assert list(family.split_points) == sorted(set(family.split_points))
    assert 0 < family.split_points[0] <= family.split_points[-1] < len(backbone.parts())


@pytest.mark.parametrize("name", SPLIT)
def test_all_that_is_behind_a_cut_can_be_taught(name: str):
    import paddle

    from stages.models.backbone_split import BackbonePart, unfrozen_layers

    family = FAMILIES[name]
    for split_point in family.split_points:
        backbone, behind = unfrozen_layers(family, {}, split_point)
        with paddle.no_grad():
            window = paddle.rand([2, 3, family.multiple, family.multiple])
            features = BackbonePart(backbone.parts()[:split_point])(window)

        behind(features).sum().backward()

        assert all(
            parameter.grad is not None
            for parameter in behind.parameters()
            if not parameter.stop_gradient
        )


@pytest.mark.parametrize("name", SPLIT)
def test_from_scratch_it_always_begins_with_the_same_weights_and_all_is_taught(name: str):
    family = FAMILIES[name].initialised_from(SCRATCH)

    first, again = family.load(), family.load()

    assert not family.frozen
    assert family.split_points == (0,)
    assert set(first) == set(family.backbone().state_dict())
    assert all((first[key] == again[key]).all() for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_larger_windows_cost_more(name: str):
    family = FAMILIES[name]

    assert family.seconds(family.size) == family.cost
    assert family.seconds(family.size * 2) == pytest.approx(4 * family.cost)


FACTS = {  # mean, deviation and largest of the features below; 6 is where ReLU6 ends
    "efficientnet_lite0": [0.472441, 1.152639, 6.0],
    "efficientnet_lite1": [0.936815, 1.716751, 6.0],
    "efficientnet_lite2": [0.538546, 1.249403, 6.0],
}


@pytest.mark.parametrize("name", list(FACTS))
def test_a_known_picture_has_the_features_it_had(name: str, load):
    features = filled(name, load)(_pictures(64)).numpy()

    np.testing.assert_allclose(_facts(features), FACTS[name], rtol=1e-3)


def _facts(features) -> list[float]:
    return [float(features.mean()), float(features.std()), float(features.max())]


def filled(name: str, load):
    from stages.models.network import fill

    backbone = FAMILIES[name].backbone()
    fill(backbone, load(name))
    backbone.eval()
    return backbone


def _pictures(side: int):
    import paddle

    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    waves = [np.sin(9 * x + 4 * y), np.cos(7 * y - x), x * y * 2 - 1]
    return paddle.to_tensor(np.stack([np.stack(waves), -np.stack(waves)]).astype(np.float32))
