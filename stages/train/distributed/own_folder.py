"""A folder for what lives as long as this process."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stages.runtime.errors import ConfigError

LONGEST_SOCKET = 107  # bytes of a path that the system can open as a socket
RAYS = "/aiwf-abcdefgh/ray/session_2026-01-31_12-59-59_999999_4194304/sockets/plasma_store"
YOUNG = 60  # seconds in which its owner may not have locked it yet


def check_sockets() -> None:
    """Raise ConfigError if the folder for temporary files has too long a path for the sockets that
    Ray makes in it."""
    folder = tempfile.gettempdir()
    longest = LONGEST_SOCKET - len(RAYS)
    if len(os.fsencode(folder)) > longest:
        raise ConfigError(
            f"The folder for temporary files is {folder}, whose path has "
            f"{len(os.fsencode(folder))} bytes: for Ray's sockets it may have {longest}.",
            "Set TMPDIR to a folder with a shorter path, such as TMPDIR=/tmp.",
        )


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a new folder with a short name, and remove it at the end. If this process is killed, the
    next that asks for a folder removes it."""
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix="aiwf-"))
    with (folder / ".owner").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Remove folders below `home` whose owner is dead: the system freed its lock."""
    for path in abandoned(home):
        remove_abandoned(path)


def abandoned(home: Path) -> Iterator[Path]:
    """Folders below `home` whose owner is dead."""
    for path in home.glob("aiwf-*/.owner"):
        with _locked(path) as free:
            found = free
        if found:
            yield path.parent


def remove_abandoned(folder: Path) -> bool:
    """Remove `folder` if its owner is dead; whether it was removed."""
    with _locked(folder / ".owner") as free:
        if free:
            shutil.rmtree(folder, ignore_errors=True)
        return free


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Give whether the lock file `path` is no owner's, and have it meanwhile."""
    with ExitStack() as stack:
        try:
            young = time.time() - path.stat().st_mtime < YOUNG
            lock = stack.enter_context(path.open("r+"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody's, or gone
            young = True
        yield not young
