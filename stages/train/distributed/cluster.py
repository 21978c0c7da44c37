"""Ray for the time of a search: one started here, or one that runs elsewhere."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import stages
from stages.models.export import child_environment
from stages.resources import Resources
from stages.runtime.errors import InfrastructureError
from stages.train.distributed.own_folder import check_sockets, own_folder
from stages.train.distributed.ray_processes import RayProcesses, end
from stages.train.distributed.room import PATIENCE, for_workers, store_bytes
from stages.train.distributed.versions import check_cluster

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.1",  # a report waits for so long
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(PATIENCE),  # then with fewer
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}
LOCAL = {
    "RAY_raylet_start_wait_time_s": "240",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",  # nobody takes a node of it away
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
# So that nobody else on this machine can give our Ray work. Ray reads both once, when a process
# first imports it: a process that does so earlier has to have them in its environment.
TOKEN = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": os.environ.get("RAY_AUTH_TOKEN") or token_hex(32),
}
_own: list[RayProcesses] = []  # of the Ray that this process started; empty: of none
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@contextmanager
def cluster(resources: Resources, shared: int, opened: str = "paddle") -> Iterator[Path]:
    """Connect to Ray; give a folder for what it writes. What was started here is stopped at the
    end; within another `cluster`, that one is used.

    `shared`: bytes of the arrays that all workers read; `opened`: a library that every process of
    Ray opens beforehand, which helps if nearly all are going to need it. Raises
    InfrastructureError if Ray does not come up, ConfigError if TMPDIR is too long for it."""
    if not resources.on_cluster:
        check_sockets()
    with (
        own_folder() as folder,  # short: Ray's sockets have paths of at most 107 bytes
        _environment(_variables(resources, opened)),
        _connected(resources, folder, shared),
    ):
        yield folder


@contextmanager
def _connected(resources: Resources, folder: Path, shared: int) -> Iterator[None]:
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        _start(resources, folder, shared)
        _own[:] = [] if resources.on_cluster else [RayProcesses(folder)]
        yield
    finally:
        family = [process for own in _own for process in own.family()]
        _own.clear()
        ray.shutdown()
        end(family)  # its agents would go on for a minute


def ended() -> bool:
    """Whether the Ray that was started here, and is in use, is gone: what waits for it may wait for
    ever."""
    return any(own.ended() for own in list(_own))


def end_rest() -> None:
    """End what is left of the Ray that was started here, and has ended in part: nobody else will,
    or only in a minute."""
    end([process for own in list(_own) for process in own.family()], patience=0)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Ray's processes take their settings from the environment; it is as it was afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _variables(resources: Resources, opened: str) -> dict[str, str]:
    if resources.on_cluster:
        return QUIET
    own = {"RAY_preload_python_modules": opened}
    return {**child_environment(), **QUIET, **LOCAL, **SINGLE_THREAD, **TOKEN, **own}


def _start(resources: Resources, folder: Path, shared: int) -> None:
    import ray

    quiet: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    place = _place(resources, folder, shared)
    try:
        ray.init(**place, **quiet)
    except Exception as error:  # Ray raises what it meets
        raise InfrastructureError(
            f"Ray does not come up ({resources.ray}): {error}.",
            "Unset AIWF_RAY to start one here, or look at the cluster it names.",
        ) from error
    if resources.on_cluster:
        check_cluster()


def _place(resources: Resources, folder: Path, shared: int) -> dict[str, Any]:
    if resources.on_cluster:
        return {"address": resources.ray, "runtime_env": _sent()}
    return {
        "address": "local",
        "num_cpus": resources.cores,
        "num_gpus": resources.gpus,
        "include_dashboard": False,
        "object_store_memory": store_bytes(shared),
        "_memory": for_workers(shared),
        "_temp_dir": str(folder / "ray"),
        "_node_ip_address": "127.0.0.1",
    }


def _sent() -> dict[str, Any]:
    """What a cluster's workers need of this machine: these very `stages`, unless a Ray Job that
    this process belongs to has brought them."""
    runtime_env: dict[str, Any] = {"env_vars": SINGLE_THREAD}
    if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ:
        return runtime_env
    return runtime_env | {"py_modules": [str(Path(stages.__file__).parent)]}
