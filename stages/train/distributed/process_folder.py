"""Gives a block of code a temporary folder of its own, which is removed when the block has ended,
and by others if its process was killed."""

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
YOUNG = 60  # seconds after its creation in which a folder's owner may not have locked it yet


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
def process_folder() -> Iterator[Path]:
    """Give a new folder with a short name below the system's folder for temporary files, and remove
    it at the end of the block. If this process is killed, a later call in any process removes it,
    once it is YOUNG seconds old."""
    _sweep(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix="aiwf-"))
    with (folder / ".owner").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(home: Path) -> None:
    """Remove the folders below `home` whose owner has ended."""
    for path in abandoned(home):
        remove_abandoned(path)


def abandoned(home: Path) -> Iterator[Path]:
    """The folders that `process_folder` made below `home` and whose owner has ended: the system
    released its lock."""
    for path in home.glob("aiwf-*/.owner"):
        with _locked_if_abandoned(path) as is_abandoned:
            found = is_abandoned
        if found:
            yield path.parent


def remove_abandoned(folder: Path) -> bool:
    """Remove `folder` if its owner has ended; return whether it was removed."""
    with _locked_if_abandoned(folder / ".owner") as is_abandoned:
        if is_abandoned:
            shutil.rmtree(folder, ignore_errors=True)
        return is_abandoned and not folder.exists()


@contextmanager
def _locked_if_abandoned(path: Path) -> Iterator[bool]:
    """Give whether the lock file `path` has no owner any more; hold its lock within the block if
    so."""
    with ExitStack() as stack:
        try:
            is_abandoned = time.time() - path.stat().st_mtime >= YOUNG
            lock = stack.enter_context(path.open("r+"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody's, or gone
            is_abandoned = False
        yield is_abandoned
