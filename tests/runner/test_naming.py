"""A command without a name takes up what was begun and never ended; else it is a new run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stages.config import parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import run_stage
from stages.runner.lock import keep, load_lock
from stages.runner.naming import claimed, claimed_name
from stages.runner.recorded_runs import state_of
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from tests import makers

YAML = """
name: shapes
task: image_classification
data: shapes
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 1, epochs: 2}
"""
PIPELINE = parse_pipeline(YAML)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """A workspace in which a run was begun: its first stage is done."""
    folder = tmp_path_factory.mktemp("naming")
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=12), settings)
    with claimed(PIPELINE, settings) as name:
        run_stage("etl", PIPELINE.model_dump(mode="json"), {}, run=name, settings=settings)
    return settings


def unfinished_run(settings: Settings) -> str:
    (lock,) = (settings.root / "runs").glob("*/run.lock.json")
    return lock.parent.name


def test_what_was_begun_is_taken_up(settings):
    with claimed(PIPELINE, settings) as name:
        assert name == unfinished_run(settings)


def test_another_pipeline_is_a_new_run(settings):
    other = parse_pipeline(YAML.replace("epochs: 2", "epochs: 3"))

    with claimed(other, settings) as name:
        assert name != unfinished_run(settings)


def test_a_named_run_belongs_to_one_command_and_is_running(settings):
    name = unfinished_run(settings)
    lock = load_lock(name, open_store(settings))

    with claimed_name(name, settings):
        assert state_of(lock, settings) == "running"
        with pytest.raises(ConfigError, match="Another command works on the run"):
            claimed_name(name, settings).__enter__()

    assert state_of(lock, settings) == "stopped before train"
    with claimed_name(name, settings) as again:
        assert again == name


CLAIMING_PROGRAM = """
import sys
from pathlib import Path
from stages.runner.naming import claimed, claimed_name
from stages.settings import Settings
from tests.runner.test_naming import PIPELINE

with claimed(PIPELINE, Settings(workspace=Path(sys.argv[1]), threads=1)) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


def test_what_another_process_is_at_is_left_to_it(settings):
    command = [sys.executable, "-c", CLAIMING_PROGRAM, str(settings.root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as other:
        claimed_name = other.stdout.readline().strip()
        with claimed(PIPELINE, settings) as name:
            assert claimed_name == unfinished_run(settings)
            assert name != claimed_name
        other.kill()

    with claimed(PIPELINE, settings) as name:
        assert name == claimed_name


def test_what_is_whole_is_not_taken_up_again(settings):
    store, name = open_store(settings), unfinished_run(settings)
    lock = load_lock(name, store)
    tasks = ("train", "evaluate", "deploy_cloud_api", "deploy_device_sdk")
    whole = dict.fromkeys(tasks, lock.artifacts["etl"]) | lock.artifacts

    keep(lock.model_copy(update={"artifacts": whole}), store, settings)

    with claimed(PIPELINE, settings) as again:
        assert again != name


def test_a_folder_of_a_command_that_never_came_to_be_a_run_goes(settings):
    runs = settings.root / "runs"
    for name in ("killed", "young"):
        (runs / name).mkdir()
        (runs / name / ".running").touch()
    os.utime(runs / "killed" / ".running", (0, 0))

    with claimed(PIPELINE, settings) as name:
        names = {path.name for path in runs.iterdir() if path.is_dir()}

    assert {name, "young"} <= names
    assert "killed" not in names
