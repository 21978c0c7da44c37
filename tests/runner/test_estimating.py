"""What a run is refused for is what this machine has to give."""

import pytest

from stages.config import parse_pipeline
from stages.etl import source
from stages.runner.estimating import estimate_stages
from tests import makers
from tests.runner.test_room import YAML


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
