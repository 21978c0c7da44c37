"""Atomic writing of files: a reader sees the old content or the new. And locks for processes."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .errors import InfrastructureError


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; if the block succeeds, flush that file and
    rename it to `path`.

    Raises InfrastructureError if the disk is full or may not be written."""
    draft = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        flushed(draft)
        os.replace(draft, path)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Free some disk space, or choose a folder that you may write to.",
        ) from error
    finally:
        if draft.is_file():
            draft.unlink()


@contextmanager
def alone(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Wait until no other process of this machine is in a block with the same `path`, a lock file.
    The system frees the lock of a process that died. `seconds`: to wait at most; None: as long as
    it takes.

    Raises InfrastructureError if the file cannot be made, or after `seconds`."""
    import fcntl

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write in {path.parent}: {error.strerror or error}.",
            "Free some disk space, or set AIWF_WORKSPACE to a folder that you may write to.",
        ) from error
    with lock:
        if seconds is None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        else:
            _locked_within(seconds, lock)
        yield


def _locked_within(seconds: float, lock: IO[str]) -> None:
    import fcntl

    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= end:
                raise InfrastructureError(
                    f"Another process has been at it for more than {seconds:g} seconds.",
                    "Wait until it has ended, then try again.",
                ) from None
            time.sleep(0.05)


def flushed(path: Path) -> None:
    """Flush the file or folder at `path` to the disk, so that it survives a power cut. Raises
    OSError."""
    # Windows flushes only what was opened for writing, others open folders only for reading.
    number = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write(path: Path, data: bytes | str) -> None:
    """Write `data` to `path`, whole or not at all."""
    with beside(path) as draft:
        draft.write_bytes(data.encode() if isinstance(data, str) else data)
