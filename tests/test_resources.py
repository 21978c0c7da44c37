"""What a stage gets of the settings: resources and opened services, and no secret."""

import inspect
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from stages.blobs.memory import MemoryBlobs
from stages.config import DataConfig
from stages.etl import source
from stages.opening import open_store, resources_of
from stages.parts import STAGES, TRAINERS
from stages.resources import Resources
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store
from tests import makers

KEYS = {"s3_access_key": "an-access-key", "s3_secret_key": "a-secret-key"}


@pytest.mark.parametrize("weights", ["", "/given/weights", "s3://given/weights"])
def test_no_secret_is_in_a_field_of_resources(tmp_path, weights):
    settings = Settings(workspace=tmp_path, weights=weights, **KEYS)

    found = list(values(resources_of(settings)))

    assert len(found) > len(fields(Resources))
    assert not [value for value in found if isinstance(value, Settings)]
    assert not [value for value in found if any(key in repr(value) for key in KEYS.values())]


def values(value: Any) -> Iterator[Any]:
    """`value`, and all that its fields have."""
    yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from values(getattr(value, field.name))


def test_resources_are_those_of_the_settings(tmp_path):
    settings = Settings(
        workspace=tmp_path, threads=3, gpus=2, machine_speed=1.5, device="pi", ray="auto"
    )

    resources = resources_of(settings)

    assert (resources.cores, resources.gpus, resources.speed) == (3, 2, 1.5)
    assert (resources.device, resources.ray, resources.on_cluster) == ("pi", "auto", True)
    assert resources.scratch == tmp_path / "cache"
    assert not resources_of(makers.settings(tmp_path)).on_cluster


def test_weights_are_looked_for_where_the_settings_say(tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "b.npz").write_bytes(b"b")
    own = resources_of(Settings(workspace=tmp_path, weights=str(tmp_path / "given")))
    nowhere = resources_of(Settings(workspace=tmp_path, weights=str(tmp_path / "not")))

    assert own.weights.find(["a.npz", "b.npz"]) == tmp_path / "given" / "b.npz"
    assert own.weights.find(["a.npz"]) is None
    assert makers.resources(tmp_path).weights.find(["b.npz"]) is None
    with pytest.raises(ConfigError, match=r"AIWF_WEIGHTS is .* no such folder"):
        nowhere.weights.find(["b.npz"])


def test_a_place_of_weights_that_is_none_is_told_when_weights_are_looked_for(tmp_path):
    resources = resources_of(Settings(workspace=tmp_path, weights="s3://"))

    with pytest.raises(ConfigError, match="AIWF_WEIGHTS is 's3://'"):
        resources.weights.find(["a.npz"])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_takes_resources_and_no_settings(stage):
    parameters = inspect.signature(STAGES[stage]).parameters.values()

    keywords = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    assert keywords == {"store", "run", "resources"}


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_trainer_takes_resources_and_no_settings(trainer):
    for method in ("estimate", "train"):
        names = inspect.signature(getattr(TRAINERS[trainer], method)).parameters

        assert "resources" in names
        assert "settings" not in names


def test_raw_data_has_its_revision_and_is_fetched_when_it_is_opened(tmp_path):
    settings = makers.settings(tmp_path)
    pictures = makers.folder_of_pictures(tmp_path / "pictures", each=2)
    revision = source.add("shapes", pictures, settings)

    raw = source.raw_data(DataConfig(name="shapes"), settings)

    assert raw.revision == revision
    with raw.opened() as folder:
        assert len(list(folder.rglob("*.png"))) == revision.samples
    assert not folder.exists()


def test_a_later_revision_does_not_change_what_was_found(tmp_path):
    settings = makers.settings(tmp_path)
    for each in (2, 3):
        pictures = makers.folder_of_pictures(tmp_path / f"of-{each}", each=each)
        source.add("shapes", pictures, settings)
        if each == 2:
            raw = source.raw_data(DataConfig(name="shapes"), settings)

    with raw.opened() as folder:
        assert len(list(folder.rglob("*.png"))) == raw.revision.samples == 6


READ = "import pickle, sys; print(pickle.load(sys.stdin.buffer).get(sys.argv[1]).decode())"


def test_another_process_opens_the_store_that_it_is_sent(tmp_path):
    store = open_store(makers.settings(tmp_path))
    digest = store.add(b"a sample")

    read = subprocess.run(
        [sys.executable, "-c", READ, digest],
        input=pickle.dumps(store),
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=True,
    )

    assert read.stdout == b"a sample\n"


def test_a_store_in_memory_is_not_sent(tmp_path):
    with pytest.raises(TypeError, match="cannot be shared with another process"):
        pickle.dumps(Store(MemoryBlobs(), tmp_path))
