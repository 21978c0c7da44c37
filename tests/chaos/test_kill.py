"""After kill -9 in the middle of each stage, the same command gives the same artifact ids."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.artifacts import Ref
from stages.config import parse_pipeline
from stages.etl import source
from stages.opening import open_store
from stages.runner import run_pipeline
from stages.runner.lock import load_lock
from stages.settings import Settings
from tests import makers

YAML = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 2, epochs: 6}
deploy: {max_drop: 0.2, targets: [device_sdk]}
"""
STAGES = ("etl", "train", "evaluate", "deploy_device_sdk")
pytestmark = pytest.mark.chaos


def prepared(folder: Path) -> Settings:
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=24), settings)
    (folder / "shapes.yaml").write_text(YAML)
    return settings


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, Ref]:
    settings = prepared(tmp_path_factory.mktemp("undisturbed"))
    return run_pipeline(parse_pipeline(YAML), run="calm", settings=settings)


def start(folder: Path, settings: Settings) -> subprocess.Popen[str]:
    """`aiwf run` in a process session of its own, so that a kill includes its children."""
    return subprocess.Popen(
        [
            Path(sys.executable).parent / "aiwf",
            "run",
            folder / "shapes.yaml",
            "--name",
            "disturbed",
        ],
        env={**os.environ, "AIWF_WORKSPACE": str(settings.root)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def kill_in(process: subprocess.Popen[str], stage: str, after: float) -> None:
    """Kill everything `after` seconds into `stage`."""
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"{stage}: working"):
            break
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "the run had ended before the kill"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("after", [0.1, 1.0], ids=["at once", "later"])
def test_the_same_command_ends_with_the_same_artifacts(stage, after, undisturbed, tmp_path):
    settings = prepared(tmp_path)
    kill_in(start(tmp_path, settings), stage, after)

    again = start(tmp_path, settings)
    stderr = again.communicate()[1]

    assert again.returncode == 0, stderr
    lock = load_lock("disturbed", open_store(settings))
    assert lock is not None
    assert lock.artifacts == undisturbed
