"""Chooses the run of a command, for it alone: the one of --name; without, an unfinished one of the
same pipeline, or a new one."""

import fcntl
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stages.config import PipelineConfig
from stages.etl import source
from stages.opening import open_store
from stages.privacy import claim
from stages.runner.lock import RUNNING, load_lock, run_folder
from stages.runner.pipeline import new_run_name, refuse_another
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings

LOOKED_AT = 5  # of the newest runs
YOUNG = 60  # seconds in which a command may not have locked its folder yet


@contextmanager
def claimed(pipeline: PipelineConfig, settings: Settings) -> Iterator[str]:
    """Give the name of the run. No other command resumes that run until the block ends."""
    claim(settings.root)
    _clear(settings.root / "runs")
    for name in [*_unfinished(pipeline, settings), new_run_name(pipeline.name)]:
        with _alone(run_folder(name, settings)) as mine:
            if mine:
                yield name
                return


@contextmanager
def claimed_name(name: str, settings: Settings) -> Iterator[str]:
    """Give `name`, the run that a person named, for this command alone until the block ends.

    Raises ConfigError if another command works on that run."""
    claim(settings.root)
    with _alone(run_folder(name, settings)) as mine:
        if not mine:
            raise ConfigError(
                f"Another command works on the run {name}.",
                "Wait until it has ended, or give another --name.",
            )
        yield name


def _unfinished(pipeline: PipelineConfig, settings: Settings) -> list[str]:
    """Unfinished runs of this pipeline on the newest data, newest first."""
    ours = re.compile(re.escape(pipeline.name) + r"-\d{8}-\d{6}-\d{3}").fullmatch
    locks = (settings.root / "runs").glob(f"{pipeline.name}-*/run.lock.json")
    names = sorted((path.parent.name for path in locks if ours(path.parent.name)), reverse=True)
    return [name for name in names[:LOOKED_AT] if _goes_on(name, pipeline, settings)]


def _goes_on(name: str, pipeline: PipelineConfig, settings: Settings) -> bool:
    with suppress(WorkflowError):
        refuse_another(pipeline, name, settings)
        lock = load_lock(name, open_store(settings))
        newest = source.find(pipeline.data, settings).revision
        if lock is not None and newest == lock.data["revision"]:
            return any(task not in lock.artifacts for task in lock.tasks)
    return False


def _clear(runs: Path) -> None:
    """Remove folders of commands that were killed before their run had a lock."""
    for mark in runs.glob(f"*/{RUNNING}"):
        folder = mark.parent
        with suppress(OSError), mark.open("r+") as lock:
            if time.time() - mark.stat().st_mtime > YOUNG and len(list(folder.iterdir())) == 1:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mark.unlink()
                folder.rmdir()


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Give whether this process has the folder to itself; the system frees a dead owner's lock."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RUNNING).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            if not (folder / "run.lock.json").exists():  # the run never began
                (folder / RUNNING).unlink()
                folder.rmdir()
