"""Runs a pipeline as its Airflow DAG without servers, in a child process with SQLite."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import yaml

from stages.config import read_pipeline
from stages.local import database
from stages.local.environment import airflow_environment
from stages.local.processes import for_its_owner
from stages.runner.watch import LogWatch, Watch
from stages.runtime import errors
from stages.runtime.files import write
from stages.settings import Settings
from stages.tracking import TrialProgress

Event = dict[str, Any]


def via_airflow(
    pipeline_path: Path,
    changes: tuple[str, ...],
    settings: Settings,
    watch: Watch | None = None,
    ended: Callable[[str], None] = lambda run: None,
) -> str:
    """Run the pipeline's DAG with `dag.test` and return the run's name.

    `changes` are such as 'train.trials=5'. `ended` is called with the name of the run, also if it
    failed. Raises the first WorkflowError of a stage, after the other targets were tried."""
    watch = watch or LogWatch()
    home = (
        settings.root / "airflow" / "direct"
    )  # not that of `aiwf up`, whose scheduler would run it, too
    requested = _requested(pipeline_path, changes, home)
    database.ready(settings, watch.notify, home)
    environment = airflow_environment(settings, home) | {"AIWF_PIPELINES": str(requested)}
    log = settings.root / "logs" / f"{requested.stem}-direct.log"
    with log_file(log) as out:
        return _outcome(_events({**os.environ, **environment}, out), watch, log, ended)


def _requested(path: Path, changes: tuple[str, ...], home: Path) -> Path:
    """The YAML to run: the given one, or a copy with the changes."""
    pipeline = read_pipeline(path, changes)
    if not changes:
        return path.resolve()
    copy = home / "pipelines" / f"{pipeline.name}.yaml"
    write(copy, yaml.safe_dump(pipeline.model_dump(mode="json"), sort_keys=False))
    return copy


def log_file(path: Path) -> IO[bytes]:
    """Open an empty file for Airflow's own output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return open(path, "wb", opener=for_its_owner)


def _events(environment: Mapping[str, str], out: IO[bytes]) -> Iterator[Event]:
    """Run operators/direct.py and yield its events as they come. The child always ends."""
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as replies:
        child = subprocess.Popen(
            [sys.executable, "-m", "operators.direct", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            pass_fds=[writing],
        )
        os.close(writing)
        try:
            yield from map(json.loads, replies)
            child.wait()
        finally:
            child.terminate()
            child.wait()


def _outcome(
    events: Iterator[Event],
    watch: Watch,
    log: Path,
    ended: Callable[[str], None] = lambda run: None,
) -> str:
    """Show the events; return the run's name or raise the first error of a stage."""
    failed: list[errors.WorkflowError] = []
    run = state = ""
    for event in events:
        match event:
            case {"message": text}:
                watch.notify(text)
            case {"progress": [what, done, total]}:
                watch.progress(what, done, total)
            case {"trial": standing}:
                watch.trial(TrialProgress(**standing))
            case {"failed": [task, kind, problem, remedy]}:
                failed.append(getattr(errors, kind)(problem, remedy))
                if failed[-1].retry_helps:
                    watch.notify(f"{task}: {problem} Airflow will try again soon.")
            case {"run": run, "state": state}:
                ended(run)
    if failed and state != "success":
        raise failed[0]
    if state != "success":
        raise errors.InfrastructureError(
            f"The Airflow run ended as '{state or 'broken off'}'.", f"All that it said is in {log}."
        )
    return run
