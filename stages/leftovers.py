"""Removes drafts in a workspace whose makers were killed."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

DRAFT = re.compile(r"\..+\.[0-9a-f]{12}\.part.*").fullmatch
DAY = 86_400.0  # seconds; nothing takes so long to write
SHARED = "data"  # DVC clears up there after itself


def sweep(root: Path, age: float = DAY) -> int:
    """Remove drafts below `root` that are older than `age` seconds, at most once in that time.

    Returns how many were removed."""
    if not due(root / ".swept", age):
        return 0
    return sum(remove_path(path) for path in list(drafts(root, age)))


def due(mark: Path, age: float) -> bool:
    """Whether something that is done every `age` seconds has to be done now; the file `mark` tells
    when it was done last, and is touched. Not where the folder of `mark` is missing."""
    with suppress(OSError):
        if mark.exists() and time.time() - mark.stat().st_mtime < age:
            return False
        mark.touch()
        return True
    return False


def drafts(root: Path, age: float) -> Iterator[Path]:
    """Drafts below `root` that are older than `age` seconds."""
    before = time.time() - age
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            with suppress(OSError):
                if DRAFT(name) and path.lstat().st_mtime < before:
                    yield path
        folders[:] = [name for name in folders if not DRAFT(name) and name != SHARED]


def remove_path(path: Path) -> bool:
    """Remove a file, or a folder with all that it has; whether it was removed."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        return True
    return False
