"""Reproduces a run from its lock in an empty store, where no finished work can be reused."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from stages.artifacts import Ref
from stages.config import checked
from stages.opening import open_store
from stages.privacy import claim
from stages.runner.comparison import Sameness, compare, compare_by_metrics, settle
from stages.runner.lock import Lock, requirements_digest
from stages.runner.pipeline import run_pipeline
from stages.runner.planning import tasks_of
from stages.runner.stage import task_name
from stages.runner.watch import Watch
from stages.runner.work import describe
from stages.settings import Settings
from stages.store import Store

YOUNG = 60  # seconds that a new owner may need to lock its folder


def reproduce(lock: Lock, settings: Settings, watch: Watch) -> list[Sameness]:
    """Run `lock` again from the raw data and compare each artifact with the first one.

    Features and trained trials are computed again; only raw data and weights are shared."""
    for line in drift(lock):
        watch.notify(f"note: {line}")
    pipeline = checked(lock.config, "The lock")
    with _apart(settings) as scratch:
        store, fresh = open_store(settings), open_store(scratch)
        for name in pipeline.deploy.chain.artifacts:
            _copy(store.find(name), store, fresh)
        again = run_pipeline(pipeline, run=f"{lock.run}-again", watch=watch, settings=scratch)
        return settle(_comparisons(lock, again, store, fresh))


def _copy(ref: Ref, store: Store, fresh: Store) -> None:
    """Copy the artifact `ref`, which the run was given, and all that it was made of, but no
    samples. What is gone from `store` is left out."""
    if not store.whole(ref) or fresh.holds(ref):
        return
    artifact = store.load(ref)
    for digest in artifact.files.values():
        fresh.add(store.get(digest))
    fresh.save(artifact)
    for parent in artifact.parents:
        _copy(parent, store, fresh)


def drift(lock: Lock) -> list[str]:
    """What has changed since the lock was written: requirements, code, library versions."""
    notes = []
    if lock.requirements != requirements_digest():
        notes.append("requirements.lock is another than that of the run")
    pipeline = checked(lock.config, "The lock")
    for stage, target in tasks_of(pipeline):
        task = task_name(stage, target)
        work = describe(stage, pipeline, {}, target)
        if lock.code.get(task, work.code) != work.code:
            notes.append(f"the code of {task} changed since the run")
        for name, version in work.versions.items():
            if lock.versions.get(name, version) != version:
                notes.append(f"{name} was {lock.versions[name]}, is {version}")
    return list(dict.fromkeys(notes))


def _comparisons(lock: Lock, again: dict[str, Ref], store: Store, fresh: Store) -> list[Sameness]:
    return [_compared(task, lock, ref, store, fresh) for task, ref in again.items()]


def _compared(task: str, lock: Lock, again: Ref, store: Store, fresh: Store) -> Sameness:
    """Compare the artifact of `task`; that of another machine's lock may not be in this store."""
    first = lock.artifacts.get(task)
    if first is None:
        return Sameness(task, "different", "the run never made it")
    if first == again:
        return Sameness(task, "same")
    if not store.holds(first):
        return compare_by_metrics(task, lock.metrics, fresh.load(again))
    return compare(task, store.load(first), fresh.load(again))


@contextmanager
def _apart(settings: Settings) -> Iterator[Settings]:
    """Give settings of an empty workspace that shares only raw data and published weights."""
    claim(settings.root)
    _sweep(settings.root)
    folder = Path(mkdtemp(prefix="reproduce-", dir=settings.root))
    for shared in ("data", "cache/weights", "cache/packages"):
        (settings.root / shared).mkdir(parents=True, exist_ok=True)
        (folder / shared).parent.mkdir(exist_ok=True)
        (folder / shared).symlink_to(settings.root / shared, target_is_directory=True)
    owner = (folder / ".owner").open("w")
    fcntl.flock(owner, fcntl.LOCK_EX)
    changes = {"workspace": folder, "store": "", "mlflow": settings.mlflow_uri}
    try:
        yield settings.model_copy(update=changes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        owner.close()


def _sweep(root: Path) -> None:
    """Remove workspaces whose owner was killed, so that the system has freed their lock."""
    for path in root.glob("reproduce-*/.owner"):
        with suppress(OSError), path.open("r+") as lock:
            if time.time() - path.stat().st_mtime < YOUNG:
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)
