"""Removes drafts in a workspace whose makers were killed."""

import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

DRAFT = re.compile(r"\..+\.[0-9a-f]{12}\.part.*").fullmatch
DAY = 86_400.0  # seconds; nothing takes so long to write
SHARED = "data"  # DVC clears up there after itself


def sweep(root: Path, age: float = DAY) -> int:
    """Remove drafts below `root` that are older than `age` seconds, at most once in that time.

    Returns the number of removed drafts."""
    mark, now = root / ".swept", time.time()
    with suppress(OSError):
        if mark.exists() and now - mark.stat().st_mtime < age:
            return 0
        mark.touch()
        return sum(_removed(path, now - age) for path in _drafts(root))
    return 0


def _drafts(root: Path) -> list[Path]:
    found = []
    for folder, folders, files in os.walk(root):
        found += [Path(folder, name) for name in (*folders, *files) if DRAFT(name)]
        folders[:] = [name for name in folders if not DRAFT(name) and name != SHARED]
    return found


def _removed(path: Path, before: float) -> bool:
    with suppress(OSError):
        if path.lstat().st_mtime < before:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            return True
    return False
