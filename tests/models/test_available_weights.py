"""Weights that a person gives: found by their names, counted by their digests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stages.models.arrays import pack_arrays
from stages.models.available_weights import available_weights, sha256
from stages.models.official import address_of
from stages.opening import open_bucket, resources_of
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.runtime.errors import ConfigError, Damaged, InfrastructureError
from stages.settings import Settings
from stages.user_weights import WeightsFolder
from tests import makers
from tests.contracts.test_blobs import s3_endpoint  # noqa: F401
from tests.models import stand_ins

FAMILY = FAMILIES["pp_lcnet"]  # no installed package says where its weights are


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    """A folder with weights of PP-LCNet is given."""
    folder = stand_ins.own(tmp_path / "given", "pp_lcnet")
    return resources_of(makers.settings(tmp_path).model_copy(update={"weights": str(folder)}))


def folder_of(resources: Resources) -> Path:
    assert isinstance(resources.weights, WeightsFolder)
    return resources.weights.folder


def own(resources: Resources) -> Path:
    return folder_of(resources) / "pp_lcnet.npz"


def test_a_given_file_counts_by_its_digest_and_is_loaded(resources):
    found = available_weights(FAMILY, resources, requested=False)

    initialised = FAMILY.initialised_from(found.weights)

    assert found.weights == sha256(own(resources))
    assert initialised.digests == {"pp_lcnet": found.weights}
    assert initialised.frozen
    assert set(initialised.load(resources)) == set(FAMILY.backbone().state_dict())


def test_a_given_file_counts_before_the_published_one(resources):
    stand_ins.own(folder_of(resources), "squeezenet", "mobilenet_v3_small")

    for name in ("squeezenet", "mobilenet_v3_small"):
        found = available_weights(FAMILIES[name], resources, requested=True)
        assert found.weights == sha256(folder_of(resources) / f"{name}.npz")


def test_a_trained_models_weights_can_be_given(resources):
    plain = FAMILY.initialised_from(available_weights(FAMILY, resources, False).weights).load(
        resources
    )
    model = {f"backbone.{name}": array.astype(np.float64) for name, array in plain.items()}
    own(resources).write_bytes(pack_arrays({**model, "head.out.weight": np.ones((1280, 3))}))

    again = FAMILY.initialised_from(available_weights(FAMILY, resources, False).weights).load(
        resources
    )

    assert all((again[name] == plain[name]).all() for name in plain)
    assert {array.dtype for array in again.values()} == {np.dtype(np.float32)}


def test_a_file_that_is_another_than_the_plan_pinned_is_not_used(resources):
    initialised = FAMILY.initialised_from(available_weights(FAMILY, resources, False).weights)
    own(resources).write_bytes(own(resources).read_bytes() + b" ")

    with pytest.raises(InfrastructureError, match="no longer available"):
        initialised.load(resources)


def test_weights_of_another_network_are_told(resources):
    stand_ins.own(folder_of(resources), "squeezenet")
    (folder_of(resources) / "squeezenet.npz").rename(own(resources))

    with pytest.raises(Damaged, match=r"722496 parameters, and pp_lcnet has 1682464"):
        FAMILY.initialised_from(available_weights(FAMILY, resources, False).weights).load(resources)


def test_a_file_under_the_publishers_name_has_to_be_the_publishers(resources):
    resnet = FAMILIES["resnet18"]
    (folder_of(resources) / resnet.weights.file).write_bytes(b"another")

    assert address_of(resnet.weights) is not None
    with pytest.raises(Damaged, match="not the published file"):
        available_weights(resnet, resources, requested=False)


def test_a_folder_that_is_not_there_is_told(resources):
    gone = replace(resources, weights=WeightsFolder(folder_of(resources) / "not"))

    with pytest.raises(ConfigError, match="no such folder"):
        available_weights(FAMILY, gone, requested=False)


def test_without_any_weights_it_is_told_why(tmp_path: Path):
    found = available_weights(FAMILY, makers.resources(tmp_path), requested=True)

    assert found.weights is None
    assert "No installed package says" in found.why


@pytest.mark.service
def test_a_bucket_is_as_good_as_a_folder(resources, s3_endpoint: str, tmp_path: Path):  # noqa: F811
    place = {"weights": "s3://given/nets", "s3_endpoint": s3_endpoint}
    keys = {"s3_access_key": "key", "s3_secret_key": "secret"}
    there = Settings(workspace=tmp_path / "far", **place, **keys)
    open_bucket(there.weights, there, "AIWF_WEIGHTS").put_file("pp_lcnet.npz", own(resources))
    far = resources_of(there)

    found = available_weights(FAMILY, far, requested=False)

    assert found == available_weights(FAMILY, resources, requested=False)
    assert set(FAMILY.initialised_from(found.weights).load(far)) == set(
        FAMILY.backbone().state_dict()
    )
