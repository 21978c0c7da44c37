"""Official weights: fetched from a real server on loopback, and only if every byte is the
publisher's."""

from pathlib import Path

import numpy as np
import pytest

from stages.models import official
from stages.models.available_weights import available_weights
from stages.models.official import address_of, fetched
from stages.models.weights import Official
from stages.parts import FAMILIES
from stages.runtime.errors import Damaged, InfrastructureError
from tests import makers
from tests.models import stand_ins

FAMILY = FAMILIES[stand_ins.NAME]
LARGE = 12_000_000  # parameters above which a test takes its time
ANNOUNCED = [
    pytest.param(name, marks=pytest.mark.slow if FAMILIES[name].parameters > LARGE else ())
    for name in FAMILIES
    if isinstance(FAMILIES[name].weights, Official) and FAMILIES[name].weights.module
]


@pytest.fixture(scope="module")
def publisher(tmp_path_factory):
    """A folder with the publisher's file, and the arrays in it."""
    folder = tmp_path_factory.mktemp("publisher")
    return folder, stand_ins.published(folder / FAMILY.weights.file)


@pytest.fixture
def announced(publisher, tmp_path: Path, monkeypatch):
    """Paddle says that the file is on our server; a function to change what it says."""
    folder, _ = publisher
    (tmp_path / "paddle").mkdir()
    monkeypatch.setattr(official, "models_folder", lambda: tmp_path / "paddle")
    stand_ins.Quiet.requests.clear()
    with stand_ins.server(folder) as address:

        def announce(file: str = FAMILY.weights.file, md5: str = "", base: str = address) -> None:
            right = stand_ins.md5(folder / FAMILY.weights.file)
            stand_ins.catalogue(tmp_path / "paddle", f"{base}/{file}", md5 or right)

        announce()
        yield announce


def test_they_are_fetched_once_and_are_the_publishers_numbers(announced, publisher, tmp_path: Path):
    resources = makers.resources(tmp_path)

    found = available_weights(FAMILY, resources, requested=True)
    announced(base="http://127.0.0.1:1")  # nobody answers there
    arrays = FAMILY.initialised_from(found.weights).load(resources)

    assert len(found.weights) == 64
    assert len(stand_ins.Quiet.requests) == 1
    assert set(arrays) == set(FAMILY.backbone().state_dict())
    assert all((arrays[name] == publisher[1][name]).all() for name in arrays)


def test_nobody_is_asked_for_a_family_that_nobody_named(announced, tmp_path: Path):
    assert available_weights(FAMILY, makers.resources(tmp_path), requested=False).weights is None
    assert stand_ins.Quiet.requests == []


def test_a_file_with_another_digest_is_refused_and_not_kept(announced, tmp_path: Path):
    resources = makers.resources(tmp_path)
    announced(md5="0" * 32)

    with pytest.raises(Damaged, match="not have the digest in Paddle"):
        available_weights(FAMILY, resources, requested=True)

    assert not [path for path in resources.scratch.rglob("*") if path.is_file()]


def test_a_kept_file_that_was_changed_is_fetched_again(announced, tmp_path: Path):
    resources = makers.resources(tmp_path)
    path = fetched(FAMILY.weights, resources)
    path.write_bytes(b"changed")

    assert fetched(FAMILY.weights, resources) == path
    assert stand_ins.md5(path) == path.parent.name


def test_a_file_that_is_larger_than_weights_are_is_given_up(announced, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(official, "MOST_BYTES", 1000)

    with pytest.raises(Damaged, match="larger"):
        fetched(FAMILY.weights, makers.resources(tmp_path))


@pytest.mark.parametrize("file", ["missing.pdparams", "short-file"])
def test_a_file_that_cannot_be_had_whole_is_told_with_what_to_do(
    announced, file: str, tmp_path: Path
):
    announced(file)

    with pytest.raises(InfrastructureError, match=r"cannot be fetched.*\n.*AIWF_WEIGHTS"):
        fetched(FAMILY.weights, makers.resources(tmp_path))


@pytest.mark.parametrize("name", ANNOUNCED)
def test_the_installed_paddle_tells_where_they_are(name: str):
    address = address_of(FAMILIES[name].weights)

    assert address is not None
    assert address.url.endswith(f"/{FAMILIES[name].weights.file}")
    assert len(address.md5) == 32


@pytest.mark.parametrize("name", ANNOUNCED)
def test_their_tensors_have_the_places_of_paddles_own_network(name: str):
    from paddle.vision import models

    builders = {"shufflenet_v2": "shufflenet_v2_x1_0"}
    theirs = getattr(models, builders.get(name, name))().state_dict()
    ours = FAMILIES[name].backbone().state_dict()

    named = {place: array for key, array in theirs.items() if (place := FAMILIES[name].place(key))}
    assert {key: array.shape for key, array in named.items()} == {
        key: array.shape for key, array in ours.items()
    }


def test_shufflenet_answers_as_paddles_own_does():
    import paddle
    from paddle.vision.models import shufflenet_v2_x0_5

    theirs, ours = shufflenet_v2_x0_5(num_classes=0), FAMILY.backbone()
    ours.set_state_dict(theirs.state_dict())
    picture = paddle.randn([2, 3, 64, 64])
    theirs.eval(), ours.eval()

    expected = theirs(picture).flatten(1).numpy()

    np.testing.assert_allclose(ours(picture).numpy(), expected, atol=1e-5 * expected.max())
