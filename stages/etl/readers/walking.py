"""Walks through a user's folder in linear time: follows links, opens nothing, and notes what it
does not enter."""

import os
import stat
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from stages.runtime.errors import DataError

MOST_ENTRIES = 5_000_000  # more would not fit into memory
SYSTEM = frozenset(
    [
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "@eadir",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    ]
)
OF_SYSTEM = "files that an operating system or a tool left"
NO_TARGET = "links to nothing"
NO_FILE = "pipes, sockets and devices, which are never opened"
CIRCLE = "links to a folder that is read already"
UNREADABLE = "folders that may not be read"

Identity = tuple[int, int]  # device and inode


class Walk(NamedTuple):
    """The regular files below a folder by name, and by reason the names of what is left out."""

    files: list[str]
    excluded: dict[str, list[str]]


class _Folder(NamedTuple):
    """A folder that waits to be read. `above`: itself and those that it was reached through."""

    name: str
    above: "_Chain"
    is_linked: bool  # it, or a folder above, was reached by a link


class _Chain(NamedTuple):
    identity: Identity
    rest: "_Chain | None"


def is_system(name: str) -> bool:
    """Whether a file or folder called `name` is hidden, or left by an operating system."""
    return name.startswith((".", "__")) or name.lower() in SYSTEM


def walk(folder: Path) -> Walk:
    """Read the names below `folder`, in the order of a sorted walk.

    Links are followed, but no folder is entered inside itself, nor by links a second time, so that
    folders linked to each other take linear time. Raises DataError for more than MOST_ENTRIES."""
    found = Walk([], defaultdict(list))
    outside = {_identity(os.stat(parent)) for parent in folder.resolve().parents}
    waiting = [_Folder("", _Chain(_identity(os.stat(folder)), None), False)]
    linked: set[Identity] = set()
    count = 0
    while waiting:
        top = waiting.pop()
        inner, read = _read(folder, top, found)
        count += read
        if count > MOST_ENTRIES:
            raise DataError(
                f"'{folder.name}' has more than {MOST_ENTRIES:,} files and folders.",
                "Copy the samples into a folder without the rest.",
            )
        waiting += reversed([each for each in inner if _is_new(each, outside, linked, found)])
    return found


def _read(folder: Path, top: _Folder, found: Walk) -> tuple[list[_Folder], int]:
    """Note the files of `top`; return its folders, sorted, and how many entries it has."""
    try:
        with os.scandir(folder / top.name) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError:
        found.excluded[UNREADABLE].append(top.name)
        return [], 1
    folders = []
    for entry in entries:
        name = f"{top.name}/{entry.name}" if top.name else entry.name
        if is_system(entry.name) and not _is_plain_file(entry):
            found.excluded[OF_SYSTEM].append(name)
        elif entry.is_file(follow_symlinks=False):  # known without asking the disk
            found.files.append(name)
        elif status := _status(entry):
            if stat.S_ISDIR(status.st_mode):
                chain = _Chain(_identity(status), top.above)
                folders.append(_Folder(name, chain, top.is_linked or entry.is_symlink()))
            elif stat.S_ISREG(status.st_mode):
                found.files.append(name)
            else:
                found.excluded[NO_FILE].append(name)
        else:
            found.excluded[NO_TARGET].append(name)
    return folders, len(entries)


def _is_plain_file(entry: "os.DirEntry[str]") -> bool:
    """Whether a file is called __init__ or the like: only hidden files are left out, no others."""
    hidden = entry.name.startswith(".") or entry.name.lower() in SYSTEM
    return not hidden and entry.name.startswith("__") and not _is_folder(entry)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    status = _status(entry)
    return status is not None and stat.S_ISDIR(status.st_mode)


def _status(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """What the entry is, or what it links to; None for a link to nothing or to itself."""
    try:
        return entry.stat()
    except OSError:
        return None


def _is_new(entered: _Folder, outside: set[Identity], linked: set[Identity], found: Walk) -> bool:
    """Whether the folder is to be read; otherwise it is noted."""
    if not entered.is_linked:
        return True
    identity = entered.above.identity
    if identity in outside or identity in linked or _is_within(identity, entered.above.rest):
        found.excluded[CIRCLE].append(entered.name)
        return False
    linked.add(identity)
    return True


def _is_within(identity: Identity, above: _Chain | None) -> bool:
    while above is not None:
        if above.identity == identity:
            return True
        above = above.rest
    return False


def _identity(status: os.stat_result) -> Identity:
    return status.st_dev, status.st_ino
