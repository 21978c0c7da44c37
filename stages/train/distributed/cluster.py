"""Connects this process to Ray for as long as a block of code runs: to one that is started here,
or to a cluster that runs elsewhere."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import stages
from stages.models.export import child_environment
from stages.resources import Resources
from stages.runtime.errors import InfrastructureError
from stages.train.distributed.memory import object_store_bytes, worker_memory
from stages.train.distributed.process_folder import check_sockets, process_folder
from stages.train.distributed.ray_processes import RayProcesses, end
from stages.train.distributed.room import ROOM_TIMEOUT
from stages.train.distributed.versions import check_cluster

RAY_TRAIN_SETTINGS = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",  # seconds between two polls; a report waits for one
    # seconds to wait for all workers; then the group starts with fewer
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(ROOM_TIMEOUT),
    "RAY_TRAIN_METRICS_ENABLED": "0",  # nobody collects them
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # workers stay in this process's working directory
}
LOCAL_RAY_SETTINGS = {
    "RAY_raylet_start_wait_time_s": "240",  # seconds; it may take as long on a busy machine
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # nobody takes a node of it away
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # leave CUDA_VISIBLE_DEVICES to workers without GPU
    "RAY_USAGE_STATS_ENABLED": "0",
}
# So that nobody else on this machine can give our Ray work. Ray reads both once, when a process
# first imports it: a process that does so earlier has to have them in its environment.
TOKEN = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN") or token_hex(32),
}
# Processes of the Ray that this process started and uses: one entry, or none.
_local_ray: list[RayProcesses] = []
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def cluster(resources: Resources, shared_bytes: int, preload: str = "paddle") -> Iterator[Path]:
    """Connect this process to Ray within the block, and give a new folder for the block's files,
    which is removed at the end.

    Whatever needs Ray enters it: feature passes, searches, learning curves, process groups. Within
    another `cluster` the outer connection is used. A Ray that is started here keeps its files in
    the folder, and is stopped at the end. `shared_bytes` (of the arrays that all workers read,
    which decide the size of the object store) and `preload` (a library that each of Ray's worker
    processes imports before it has work; empty: none) take effect only when a Ray is started here,
    not within another `cluster` nor on a remote one.

    Changes the environment variables of this process within the block. Raises InfrastructureError
    if Ray does not come up, if there is no memory for one worker, or if a machine of a remote
    cluster has other versions of the libraries or does not answer; ConfigError if TMPDIR is too
    long for a Ray that is started here."""
    if not resources.on_cluster:
        check_sockets()
    with (
        process_folder() as folder,  # short: Ray's sockets have paths of at most 107 bytes
        _environment(_ray_variables(resources, preload)),
        _connected(resources, folder, shared_bytes),
    ):
        yield folder


@contextmanager
def _connected(resources: Resources, folder: Path, shared_bytes: int) -> Iterator[None]:
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        _start(resources, folder, shared_bytes)
        _local_ray[:] = [] if resources.on_cluster else [RayProcesses(folder)]
        yield
    finally:
        alive = [process for started in _local_ray for process in started.alive()]
        _local_ray.clear()
        ray.shutdown()
        end(alive)  # its agents would go on for a minute


def ended() -> bool:
    """Whether the Ray that this process started, and uses, has ended; False if it uses none.

    A watchdog thread of the training process polls it (`runner/training_process.py`), since a call
    that waits for such a Ray might never return."""
    return any(started.ended() for started in list(_local_ray))


def end_rest() -> None:
    """Kill what still runs of the Ray that this process started; the watchdog calls it once `ended`
    is true. Ray's agents would end only after a minute, if at all."""
    end([process for started in list(_local_ray) for process in started.alive()], timeout=0)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables within the block, and restore the whole environment at its end.
    Ray's processes take their settings from it."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _ray_variables(resources: Resources, preload: str) -> dict[str, str]:
    """The environment variables that configure Ray."""
    if resources.on_cluster:
        return RAY_TRAIN_SETTINGS
    settings = {**LOCAL_RAY_SETTINGS, "RAY_preload_python_modules": preload}
    return {**child_environment(), **RAY_TRAIN_SETTINGS, **settings, **SINGLE_THREAD, **TOKEN}


def _start(resources: Resources, folder: Path, shared_bytes: int) -> None:
    """Start a Ray here, or connect to the remote one and compare its versions."""
    import ray

    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    arguments = _init_arguments(resources, folder, shared_bytes)
    try:
        ray.init(**arguments, **quiet)
    except Exception as error:  # Ray raises what it meets
        raise _not_up(resources, error) from error
    if resources.on_cluster:
        check_cluster()


def _not_up(resources: Resources, error: Exception) -> InfrastructureError:
    """Ray does not come up; what to do depends on where it was to run."""
    problem = f"Ray does not come up ({resources.ray}): {error}."
    if resources.on_cluster:
        return InfrastructureError(
            problem, "Look at the cluster that AIWF_RAY names, or unset AIWF_RAY to start one here."
        )
    return InfrastructureError(
        problem,
        f"Free some memory, and space in {tempfile.gettempdir()}, where Ray keeps its files, and "
        "run again.",
    )


def _init_arguments(resources: Resources, folder: Path, shared_bytes: int) -> dict[str, Any]:
    """The arguments of `ray.init`. Raises InfrastructureError if a Ray that is to start here has no
    memory for one worker."""
    if resources.on_cluster:
        return {"address": resources.ray, "runtime_env": _runtime_env()}
    return {
        "address": "local",
        "num_cpus": resources.cores,
        "num_gpus": resources.gpus,
        "include_dashboard": False,
        "object_store_memory": object_store_bytes(shared_bytes),
        "_memory": worker_memory(shared_bytes),
        "_temp_dir": str(folder / "ray"),
        "_node_ip_address": "127.0.0.1",
    }


def _runtime_env() -> dict[str, Any]:
    """What a cluster's workers need of this machine: this very package `stages`, unless a Ray Job
    that this process belongs to has brought it; and one thread for each library."""
    runtime_env: dict[str, Any] = {"env_vars": SINGLE_THREAD}
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return runtime_env
    return runtime_env | {"py_modules": [str(Path(stages.__file__).parent)]}
