"""Walks through a user's folder: follows links, without cycles, and skips hidden files."""

import os
from collections.abc import Iterator
from pathlib import Path

from stages.runtime.errors import DataError

MOST_ENTRIES = 5_000_000  # links between folders can make endlessly many of a few

Identity = tuple[int, int]  # device and inode


def folders_in(folder: Path) -> Iterator[Path]:
    """The folders in `folder` that are not hidden, sorted."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith((".", "__")):
            yield path


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every file below `folder`; links are followed, but no folder is entered inside itself.

    Raises DataError if there are more than MOST_ENTRIES files and folders."""
    waiting = [(folder, _ancestors(folder))]
    count = 0
    while waiting:
        top, above = waiting.pop()
        above |= {_identity(os.stat(top))}
        files, folders = _entries(top)
        count += 1 + len(files)
        if count > MOST_ENTRIES:
            raise DataError(
                f"'{folder.name}' has more than {MOST_ENTRIES:,} files and folders.",
                "Do its links lead in circles? Copy the samples into a folder without links.",
            )
        yield from (Path(top, name) for name in files)
        inner = [Path(top, name) for name in folders]
        waiting += [(path, above) for path in reversed(inner) if not _is_within(path, above)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in `folder` that are not hidden, each sorted; empty
    if `folder` cannot be read."""
    try:
        with os.scandir(folder) as entries:
            shown = [(entry.name, _is_folder(entry)) for entry in entries]
    except OSError:
        return [], []
    files = sorted(name for name, is_folder in shown if not is_folder and name[0] != ".")
    folders = sorted(
        name for name, is_folder in shown if is_folder and not name.startswith((".", "__"))
    )
    return files, folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _ancestors(folder: Path) -> frozenset[Identity]:
    """The parents of `folder`."""
    return frozenset(_identity(os.stat(parent)) for parent in folder.resolve().parents)


def _is_within(folder: Path, folders: frozenset[Identity]) -> bool:
    try:
        return _identity(os.stat(folder)) in folders
    except OSError:  # gone, or a link in a circle of links
        return True


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
