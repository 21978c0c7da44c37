"""The runs that a store has records of, and how far each came."""

import fcntl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from stages.runner.lock import RUNNING, Lock, load_lock, run_folder
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.store import Store

PREFIX = "notes/runs/"


class RecordedRun(NamedTuple):
    """A run: when its lock was last written, its state in words, and the lock.

    The lock is None if it cannot be read; `state` then says why."""

    name: str
    changed: datetime
    state: str
    lock: Lock | None


def recorded_runs(store: Store, settings: Settings) -> Iterator[RecordedRun]:
    """Yield all runs, those that were written last at the end."""
    for entry in sorted(store.blobs.entries(PREFIX), key=lambda entry: entry.modified):
        name = entry.key.removeprefix(PREFIX).removesuffix(".json")
        changed = datetime.fromtimestamp(entry.modified, UTC)
        try:
            lock = load_lock(name, store)
        except ConfigError as error:
            yield RecordedRun(name, changed, error.problem, None)
        else:
            if lock:
                yield RecordedRun(name, changed, state_of(lock, settings), lock)


def state_of(lock: Lock, settings: Settings) -> str:
    """'finished', 'running' (by a command on this machine), or what the run stopped before."""
    if not lock.lacking:
        return "finished"
    return "running" if _is_locked(lock.run, settings) else f"stopped before {lock.lacking[0]}"


def _is_locked(run: str, settings: Settings) -> bool:
    """Whether a process on this machine holds the run's folder."""
    try:
        with (run_folder(run, settings) / RUNNING).open() as mark:
            fcntl.flock(mark, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
