"""Ctrl-C in the middle of a search: finished work is kept, runs of trials are closed, and the same
command resumes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.etl import source
from stages.memo import SCOPES
from stages.opening import open_store
from stages.runner.lock import load_lock
from stages.settings import Settings
from stages.tracking.server import connect
from stages.train.search.trial_search import ARRAYS
from tests import makers

YAML = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 12, patience: 400, epochs: 400,
        halving: 20, finetune: {trials: 0}, growth: false}
deploy: {max_drop: 0.5, targets: [device_sdk]}
"""
pytestmark = pytest.mark.chaos


def start(folder: Path, settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [Path(sys.executable).parent / "aiwf", "run", folder / "shapes.yaml"],
        env={**os.environ, "AIWF_WORKSPACE": str(settings.root)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def trials(settings: Settings) -> list[str]:
    """The status of each trial's run in MLflow."""
    client = connect(settings)
    home = client.get_experiment_by_name("shapes").experiment_id
    found = client.search_runs([home], "tags.`aiwf.part` = 'trial'")
    return sorted(run.info.status for run in found)


def cached_results(settings: Settings) -> dict[str, float]:
    """When each finished rung of a trial was cached, by the key of its record in the store."""
    blobs = open_store(settings).blobs
    return {
        entry.key: entry.modified
        for entry in blobs.entries(SCOPES)
        if entry.key.endswith(".json") and f'"{ARRAYS}"'.encode() in blobs.get(entry.key)
    }


def test_a_search_that_was_stopped_goes_on_by_the_same_command(tmp_path):
    settings = makers.settings(tmp_path)
    source.add("shapes", makers.folder_of_pictures(tmp_path / "pictures", each=24), settings)
    (tmp_path / "shapes.yaml").write_text(YAML)
    stopped = start(tmp_path, settings)
    assert stopped.stderr is not None
    for line in stopped.stderr:
        if line.startswith("  trial "):
            break
    while not cached_results(settings):  # the first rung takes longer than the first epoch
        assert stopped.poll() is None, "it ended before a rung was cached"
        time.sleep(0.1)

    stopped.send_signal(signal.SIGINT)
    stderr = stopped.communicate()[1]

    assert stopped.returncode == 130, stderr
    assert "The same command goes on where this one left off." in stderr
    assert "KILLED" in trials(settings)
    assert "RUNNING" not in trials(settings)
    times = cached_results(settings)
    assert times

    again = start(tmp_path, settings)
    stderr = again.communicate()[1]

    assert again.returncode == 0, stderr
    (run,) = (path.name for path in (settings.root / "runs").iterdir() if path.is_dir())
    lock = load_lock(run, open_store(settings))
    assert lock is not None
    assert set(lock.artifacts) == {"etl", "train", "evaluate", "deploy_device_sdk"}
    assert times.items() <= cached_results(settings).items()
