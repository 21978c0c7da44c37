"""What the driver asks Ray for, and what it makes of the failures of a group."""

from pathlib import Path
from typing import Any

import numpy as np

from stages.resources import Resources
from stages.runtime.errors import DataError, InfrastructureError, WorkflowError
from stages.train.distributed import driver
from stages.train.distributed.checkpoints import CheckpointStore
from stages.train.distributed.memory import MB, worker_bytes
from stages.train.distributed.worker import LoopTask
from tests import makers

NAME = "tiny"
LOCAL = Resources(cores=2, scratch=Path("unused"))
CLUSTER = Resources(cores=2, scratch=Path("unused"), ray="10.0.0.1:6379")
GPUS = Resources(cores=2, scratch=Path("unused"), gpus=2)


def test_a_worker_takes_a_core_and_its_memory_and_there_are_no_more_than_cores_here():
    scaling = driver._scaling(3, LOCAL, 5 * MB)

    assert scaling.num_workers == (1, 2)
    assert scaling.resources_per_worker == {"CPU": 1.0, "memory": float(worker_bytes(5 * MB))}
    assert not scaling.use_gpu
    assert driver._scaling(1, LOCAL, MB).num_workers == (1, 1)
    assert driver._scaling(3, CLUSTER, MB).num_workers == (1, 3)


def test_a_worker_takes_a_graphics_processor_if_there_are_some():
    scaling = driver._scaling(2, GPUS, MB)

    assert scaling.resources_per_worker["GPU"] == 1.0
    assert scaling.use_gpu


def test_the_object_store_has_room_for_arrays_and_for_what_is_around_them():
    array = np.zeros(10**6, np.uint8)

    assert 10**6 < driver._object_bytes({"rows": array}) < 10**6 + 2000
    assert 2 * 10**6 < driver._object_bytes([array, array.copy()]) < 2 * 10**6 + 2000
    assert 0 < driver._object_bytes("nothing") < 100


def test_the_error_of_a_person_is_found_among_those_of_a_group():
    from ray.train import WorkerGroupError

    mend = DataError("There is no label 7.", "Take it out.")
    failures = {0: RuntimeError("died"), 1: mend}

    assert driver._workflow_error(WorkerGroupError("two failed", failures)) is mend
    assert driver._workflow_error(WorkerGroupError("one failed", {0: RuntimeError("x")})) is None
    assert driver._workflow_error(RuntimeError("no group")) is None

    class Controller(Exception):
        controller_failure = mend

    class Remote(Exception):
        cause = mend

    assert driver._workflow_error(Controller()) is mend
    assert driver._workflow_error(WorkerGroupError("remote", {0: Remote()})) is mend


class Fits:
    """In place of fits of Ray Train: each saves a checkpoint as long as there are `steps`, and
    fails with `failure`, but the last of `fits` does not."""

    def __init__(self, folder: Path, failure: Exception, steps: int = 0, fits: int = 99) -> None:
        self.folder, self.failure, self.steps, self.fits = folder, failure, steps, fits
        self.hosts: list[str] = []

    def __call__(self, task: LoopTask, scaling: Any, host: str, folder: Path, poll: Any) -> Any:
        self.hosts.append(host)
        if len(self.hosts) <= self.steps:
            checkpoints = CheckpointStore(task.store.blobs, task.name)
            checkpoints.report({}, self.folder / "saved", lambda to: (to / "a").touch())
        return None if len(self.hosts) == self.fits else self.failure


def run(monkeypatch, tmp_path: Path, ray_running: Resources, **changes: Any) -> Fits:
    fits = Fits(tmp_path, **{"failure": RuntimeError("no disk"), **changes})
    monkeypatch.setattr(driver, "_fit_in_task", fits)
    task = LoopTask(lambda context, shared: None, [1], NAME, makers.store(tmp_path / "store"))
    try:
        driver._run_on_ray(task, ray_running, 2, MB, lambda: None)
    except WorkflowError as error:
        fits.failure = error
    return fits


def test_a_group_is_started_anew_as_long_as_it_comes_further(ray_running, monkeypatch, tmp_path):
    fits = run(monkeypatch, tmp_path, ray_running, steps=2)

    assert fits.hosts == ["127.0.0.1"] * 3  # the third came no further
    assert isinstance(fits.failure, InfrastructureError)
    assert "that train tiny died 4 times: no disk." in fits.failure.problem


def test_a_group_that_comes_to_its_end_raises_nothing(ray_running, monkeypatch, tmp_path):
    fits = run(monkeypatch, tmp_path, ray_running, steps=1, fits=2)

    assert len(fits.hosts) == 2
    assert str(fits.failure) == "no disk"  # that of the first


def test_what_a_person_has_to_mend_starts_no_group_again(ray_running, monkeypatch, tmp_path):
    mend = DataError("There is no label 7.", "Take it out.")

    fits = run(monkeypatch, tmp_path, ray_running, steps=5, failure=mend)

    assert len(fits.hosts) == 1
    assert fits.failure is mend
