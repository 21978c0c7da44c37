"""A package that answers: unpacked, its seal checked, its selftest run on this machine, its worker
processes loaded and warmed. It may be retired while it still answers, and then ends by itself."""

import json
import subprocess
import threading
from concurrent.futures import wait
from pathlib import Path
from typing import Any

from stages.artifacts import Package, Ref
from stages.evaluate.rejected import rejected_label
from stages.opening import open_store
from stages.publish.registry import ModelVersion
from stages.runner.publish import unpack_package
from stages.runtime.answers import has_boxes
from stages.runtime.description import description_of
from stages.runtime.errors import AgreementNotMet, InfrastructureError
from stages.runtime.limits import Limits
from stages.runtime.selftest import GOLDEN
from stages.runtime.server import package_app
from stages.runtime.service_metrics import Metrics
from stages.runtime.service_pool import Pool
from stages.runtime.service_process import WorkerSetup, command_of
from stages.runtime.service_worker import PredictRequest
from stages.settings import Settings

SELFTEST = "stages.publish.selftest_process"
SELFTEST_SECONDS = 300  # on a busy machine


class ServingPackage:
    """The package of `version`, with its pages in `app`. `inside`: how many requests are in it,
    which the event loop alone counts."""

    def __init__(
        self,
        pipeline: str,
        version: ModelVersion,
        description: dict[str, Any],
        app: Any,
        pool: Pool,
    ) -> None:
        self.pipeline, self.version, self.app, self._pool = pipeline, version, app, pool
        self.labels: list[str] = description["labels"]
        self.has_boxes = has_boxes(description)
        self.other = rejected_label(description["after"], description["labels"])
        self.inside = 0
        self._retired = False

    @property
    def pids(self) -> list[int]:
        """The ids of its worker processes."""
        return self._pool.pids()

    def enter(self) -> None:
        """A request begins."""
        self.inside += 1

    def leave(self) -> None:
        """A request has ended."""
        self.inside -= 1
        self._end_if_empty()

    def retire(self) -> None:
        """No further request comes: end when the last one has been answered."""
        self._retired = True
        self._end_if_empty()

    def close(self) -> None:
        """End the worker processes at once."""
        self._pool.close()

    def _end_if_empty(self) -> None:
        if self._retired and not self.inside:  # not here: ending processes may take a second
            threading.Thread(target=self.close, daemon=True).start()


def prepared(
    pipeline: str, version: ModelVersion, settings: Settings, limits: Limits, metrics: Metrics
) -> ServingPackage:
    """The package of `version`, ready to answer.

    Raises a WorkflowError if the store has it no more, a file was changed, its selftest fails
    here, or it was not verified for this processor."""
    store = open_store(settings)
    package: Package = store.load(Ref("package", version.package))
    folder = unpack_package(package, store, settings)  # checks the seal
    check_here(folder)
    description = description_of(folder)

    def ended(why: str) -> None:
        metrics.ended.labels(why).inc()

    pool = Pool(WorkerSetup(folder, description["noun"]), settings.threads, limits, ended)
    pool.start()
    try:
        _warm(pool, folder)
        app = package_app(description, pool, limits, metrics)
        return ServingPackage(pipeline, version, description, app, pool)
    except BaseException:
        pool.close()
        raise


def check_here(folder: Path) -> None:
    """Run the selftest of the package in `folder` on this machine, in a process of its own: an
    engine that crashes must not end the service. Raises AgreementNotMet if it fails."""
    try:
        done = subprocess.run(
            command_of(SELFTEST, str(folder)),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SELFTEST_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(
            f"The selftest took longer than {SELFTEST_SECONDS} s.", "Try it when less is running."
        ) from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise AgreementNotMet(f"The package fails its selftest here: {last}", "Keep the other one.")


def _warm(pool: Pool, folder: Path) -> None:
    """Let every worker answer a golden sample: the first answer takes longer than others."""
    cases = json.loads((folder / GOLDEN).read_bytes())["cases"]
    sample = (folder / cases[0]["file"]).read_bytes()
    jobs = [pool.submit(PredictRequest(), sample) for _ in range(len(pool))]
    wait(jobs, timeout=SELFTEST_SECONDS)
