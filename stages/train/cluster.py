"""Ray for the time of a search: one started here, or one that runs elsewhere."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from stages.models.export import child_environment
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings

OBJECTS = 256 * 2**20  # bytes for shared arrays, beside the arrays themselves
ENVIRONMENT = {
    "RAY_AUTH_MODE": "disabled",  # loopback only, and no token in the home folder
    "RAY_raylet_start_wait_time_s": "240",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_preload_python_modules": "paddle",
    "RAY_DEDUP_LOGS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_MAX_PENDING_TRIALS_PG": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@contextmanager
def cluster(settings: Settings, shared: int) -> Iterator[Path]:
    """Connect to Ray; give a folder for what it writes. What was started here is stopped at the
    end.

    `shared`: bytes of the arrays that all workers read. Raises InfrastructureError if Ray does not
    come up."""
    folder = Path(mkdtemp(prefix="aiwf-"))  # short: Ray's sockets have paths of at most 107 bytes
    before = dict(os.environ)
    os.environ.update({**child_environment(), **ENVIRONMENT})
    try:
        _start(settings, folder, shared)
        yield folder
    finally:
        _stop()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)


def _start(settings: Settings, folder: Path, shared: int) -> None:
    import ray

    where: dict[str, Any] = {"address": settings.ray}
    if settings.ray == "local":
        where = {
            "address": "local",
            "num_cpus": settings.threads,
            "num_gpus": 0,
            "include_dashboard": False,
            "object_store_memory": OBJECTS + 2 * shared,
            "_temp_dir": str(folder / "ray"),
            "_node_ip_address": "127.0.0.1",
        }
    try:
        ray.init(**where, configure_logging=True, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray raises what it meets
        raise InfrastructureError(
            f"Ray does not come up ({settings.ray}): {error}.",
            "Leave AIWF_RAY empty to start one here, or look at the cluster it names.",
        ) from error


def _stop() -> None:
    import ray

    if ray.is_initialized():
        ray.shutdown()
