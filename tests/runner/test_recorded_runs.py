"""Listing runs: when each was last written, how far it came."""

import fcntl

import pytest

from stages.artifacts import Ref
from stages.opening import open_store
from stages.runner.lock import Failure, Lock, keep, run_folder
from stages.runner.recorded_runs import recorded_runs, state_of
from tests import makers

TASKS = ("etl", "train", "evaluate", "deploy_cloud_api", "deploy_device_sdk")


def lock(run: str, *tasks: str, failed: tuple[str, ...] = ()) -> Lock:
    config = {"deploy": {"targets": ["cloud_api", "device_sdk"]}}
    facts = {"pipeline": "p", "data": {}, "seeds": {}, "requirements": "", "machine": {}}
    artifacts = {task: Ref("dataset", "0" * 64) for task in tasks}
    failures = {task: Failure(error="GateNotMet", problem="below") for task in failed}
    return Lock(run=run, config=config, artifacts=artifacts, failed=failures, **facts)


@pytest.mark.parametrize(
    ("ended", "failed", "state"),
    [
        (TASKS, (), "finished"),
        (TASKS[:4], TASKS[4:], "finished"),
        (TASKS[:1], (), "stopped before train"),
        (TASKS[:3], (), "stopped before deploy_cloud_api"),
        ((), (), "stopped before etl"),
    ],
)
def test_the_state_says_how_far_a_run_came(ended, failed, state, tmp_path):
    assert state_of(lock("one", *ended, failed=failed), makers.settings(tmp_path)) == state


def test_a_run_whose_folder_is_held_is_running(tmp_path):
    settings = makers.settings(tmp_path)
    folder = run_folder("one", settings)
    folder.mkdir(parents=True)

    with (folder / ".running").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        assert state_of(lock("one", "etl"), settings) == "running"

    assert state_of(lock("one", "etl"), settings) == "stopped before train"


def test_runs_come_in_the_order_of_their_last_change_and_a_broken_lock_is_told(tmp_path):
    settings = makers.settings(tmp_path)
    store = open_store(settings)
    keep(lock("later", "etl"), store, settings)
    keep(lock("first"), store, settings)
    store.note("runs/broken", {"run": "broken"})
    keep(lock("later", *TASKS), store, settings)

    found = list(recorded_runs(store, settings))

    assert [run.name for run in found] == ["first", "broken", "later"]
    assert "another version" in found[1].state
    assert found[2].state == "finished"
    assert found[0].changed <= found[2].changed
