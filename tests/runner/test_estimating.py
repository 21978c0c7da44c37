"""What a run is refused for is what this machine has to give."""

import pytest

from stages.config import TrainConfig, parse_pipeline
from stages.etl import source
from stages.opening import resources_of
from stages.runner.estimating import estimate_stages, here
from stages.train.heads.head_search import Heads
from tests import makers
from tests.runner.test_room import YAML

HEADS = TrainConfig(families=("efficientnet_lite0",), trials=8, finetune={"trials": 0})
FINETUNED = HEADS.with_tuned(4)


@pytest.fixture
def settings(tmp_path):
    settings = makers.settings(tmp_path)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=12), settings)
    return settings


def test_work_of_a_cluster_is_not_held_against_this_machine(settings):
    pipeline = parse_pipeline(YAML)
    job = settings.model_copy(update={"ray": "http://host:8265"})

    local, far = estimate_stages(pipeline, settings), estimate_stages(pipeline, job)

    assert local["train"].memory > 10**9
    assert far["train"].memory == 0
    assert far["evaluate"] == local["evaluate"]


def test_many_small_files_are_foreseen_by_their_blocks(settings):
    pipeline = parse_pipeline(YAML)
    found = source.revisions("shapes", settings)[-1]
    bucket = settings.model_copy(update={"store": "s3://bucket/prefix"})

    etl, far = estimate_stages(pipeline, settings)["etl"], estimate_stages(pipeline, bucket)["etl"]

    assert etl.files == found.samples
    assert etl.disk >= found.bytes + found.samples * 4096
    assert (far.files, far.disk) == (0, 0)


@pytest.mark.parametrize("train", [HEADS, FINETUNED])
def test_on_a_cluster_this_machine_has_room_for_the_driver_alone(train, tmp_path):
    settings = makers.settings(tmp_path)
    whole = Heads().estimate(train, 1000, 3, resources_of(settings))
    far = here(whole, settings.model_copy(update={"ray": "auto"}))

    assert here(whole, settings) == whole
    assert 0 < far.memory < whole.memory
    assert far.disk == whole.disk


def test_of_a_job_this_machine_keeps_what_is_in_its_own_store_alone(tmp_path):
    settings = makers.settings(tmp_path)
    whole = Heads().estimate(FINETUNED, 1000, 3, resources_of(settings))
    job = settings.model_copy(update={"ray": "http://host:8265"})

    shared, far = here(whole, job), here(whole, job.model_copy(update={"store": "s3://a/b"}))

    assert (shared.memory, shared.disk, shared.temporary) == (0, whole.disk, 0)
    assert (far.memory, far.disk) == (0, 0)
    assert far.minutes == whole.minutes
