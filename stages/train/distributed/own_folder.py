"""A folder for what lives as long as this process."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

YOUNG = 60  # seconds in which its owner may not have locked it yet


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
    for path in home.glob("aiwf-*/.owner"):
        try:
            if time.time() - path.stat().st_mtime < YOUNG:
                continue
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # somebody's, or gone
            continue
