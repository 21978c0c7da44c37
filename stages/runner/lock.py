"""A run's lock: everything that is needed to reproduce the run, and the artifacts it made."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stages.artifacts import Record, Ref, digest_of
from stages.closure import ROOT
from stages.config import PipelineConfig
from stages.deploy.device.machine import processor
from stages.runtime.errors import ConfigError
from stages.runtime.files import write
from stages.settings import Settings
from stages.store import Store, Work

RUNNING = ".running"  # in a run's folder: the file that the command holds which works on the run


class Failure(Record):
    """Why a task made nothing: the error's class, what is wrong, what to do."""

    error: str
    problem: str
    remedy: str = ""


class Lock(Record):
    """What one run was asked for and what it made.

    `requested` is the pipeline as it was given, `config` the same with everything resolved.
    `artifacts` and `code` are by task: a stage, or 'deploy_' with its target. `worked` has the
    tasks whose work this run did itself; the others were found in the store. `failed` has the tasks
    of deploy that made no package. `selection` is the rule that picked the model among the
    trials, with its numbers. `began` is when the run began, in UTC, as ISO 8601. It and `machine`
    are notes only: they decide nothing."""

    run: str
    pipeline: str
    began: str = ""
    data: dict[str, str]
    config: dict[str, Any]
    requested: dict[str, Any] = {}
    seeds: dict[str, int]
    requirements: str
    machine: dict[str, str]
    code: dict[str, str] = {}
    versions: dict[str, str] = {}
    weights: dict[str, str] = {}
    selection: dict[str, Any] = {}
    artifacts: dict[str, Ref] = {}
    worked: tuple[str, ...] = ()
    failed: dict[str, Failure] = {}
    metrics: dict[str, float] = {}

    @property
    def tasks(self) -> list[str]:
        """All tasks of the run, in order."""
        targets = [f"deploy_{target}" for target in self.config["deploy"]["targets"]]
        return ["etl", "train", "evaluate", *targets]

    @property
    def lacking(self) -> list[str]:
        """The tasks, in order, that have not ended yet."""
        ended = self.artifacts.keys() | self.failed.keys()
        return [task for task in self.tasks if task not in ended]

    @property
    def text(self) -> str:
        """The lock as JSON, for run.lock.json."""
        record = self.model_dump(mode="json")
        return json.dumps(record, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def new_lock(run: str, pipeline: PipelineConfig, requested: PipelineConfig) -> Lock:
    """The lock of a run that is about to begin; `pipeline` is `requested`, resolved."""
    return Lock(
        run=run,
        pipeline=pipeline.name,
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        data={"name": pipeline.data.name, "revision": pipeline.data.revision},
        config=pipeline.model_dump(mode="json"),
        requested=requested.model_dump(mode="json"),
        seeds={"etl": pipeline.etl.seed, "train": pipeline.train.seed},
        requirements=requirements_digest(),
        machine=machine(),
    )


def requirements_digest() -> str:
    """The digest of requirements.lock, or '' where there is none."""
    path = ROOT / "requirements.lock"
    return digest_of(path.read_bytes()) if path.is_file() else ""


def machine() -> dict[str, str]:
    """A note about this machine; it helps to explain results that differ between machines."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
    }


def load_lock(run: str, store: Store) -> Lock | None:
    """The lock of `run`, if that run has begun. Raises ConfigError if another version wrote it."""
    noted = store.noted(f"runs/{run}")
    try:
        return Lock.model_validate(noted) if noted else None
    except ValueError as error:
        raise ConfigError(
            f"The lock of the run {run} was written by another version.",
            "Begin a run with another --name, or none.",
        ) from error


def keep(lock: Lock, store: Store, settings: Settings) -> None:
    """Keep the lock in the store, and as run.lock.json in the run's folder for people."""
    store.note(f"runs/{lock.run}", lock.model_dump(mode="json"))
    write(run_folder(lock.run, settings) / "run.lock.json", lock.text)


def run_folder(run: str, settings: Settings) -> Path:
    """Where a person finds what a run made."""
    return settings.root / "runs" / run


def extended(
    lock: Lock, task: str, work: Work, ref: Ref, artifact: Any, reused: bool = False
) -> Lock:
    """`lock` with the artifact, code and metrics of `task`, which was `reused` or worked."""
    facts: dict[str, Any] = {
        "artifacts": {**lock.artifacts, task: ref},
        "failed": {name: failure for name, failure in lock.failed.items() if name != task},
        "code": {**lock.code, task: work.code},
        "versions": {**lock.versions, **work.versions},
    }
    if not reused and task not in lock.worked:
        facts["worked"] = (*lock.worked, task)
    if ref.kind == "model":
        facts["weights"] = dict(artifact.weights)
        facts["selection"] = dict(artifact.selection)
    if ref.kind in ("report", "package"):
        facts["metrics"] = {**lock.metrics, **_metrics(task, artifact.overall)}
    return lock.model_copy(update=facts)


def without(lock: Lock, task: str, error: Exception) -> Lock:
    """`lock` with the reason why `task` made nothing."""
    problem = getattr(error, "problem", "") or f"{type(error).__name__}: {error}"
    failure = Failure(
        error=type(error).__name__, problem=problem, remedy=getattr(error, "remedy", "") or ""
    )
    artifacts = {name: ref for name, ref in lock.artifacts.items() if name != task}
    return lock.model_copy(
        update={"artifacts": artifacts, "failed": {**lock.failed, task: failure}}
    )


def read_lock(name: str, store: Store) -> Lock:
    """The lock in the file `name`, or of the run of that name; ConfigError if there is none."""
    path = Path(name)
    path = path / "run.lock.json" if path.is_dir() else path
    try:
        if path.is_file():
            return Lock.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise ConfigError(f"{path} is not a run's lock.", "Name a run.lock.json.") from error
    found = load_lock(name, store)
    if found is None:
        runs = [
            key.removeprefix("notes/runs/").removesuffix(".json")
            for key in store.blobs.keys("notes/runs/")
        ]
        raise ConfigError(
            f"There is no run or lock '{name}'.", f"Runs: {', '.join(runs[-8:]) or 'none yet'}."
        )
    return found


def _metrics(task: str, overall: Mapping[str, Any]) -> dict[str, float]:
    return {f"{task}.{name}": measure.value for name, measure in overall.items()}
