"""Removes what nobody will ask the cache for.

Ages are counted from when the bytes were written, as the store tells it."""

import time
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from stages.blobs import BlobEntry, Blobs
from stages.memo import DONE, ENTRIES, OPENED, SCOPES
from stages.memo.entry import RECORD, CacheEntry

FORGOTTEN = 30 * 86400.0  # seconds in which nobody used it
SETTLED = 3600.0  # seconds after which a finished stage is known to be recorded, or runs again
YOUNG = 86400.0  # seconds in which whoever wrote it may be at work


class Expired(NamedTuple):
    """An entry or a scope that may go. `prefix`: of its keys; `why`: for a person."""

    prefix: str
    why: str
    found: tuple[BlobEntry, ...]

    @property
    def size(self) -> int:
        """Bytes of all its keys."""
        return sum(entry.size for entry in self.found)


def expired(blobs: Blobs, *, thorough: bool = False) -> Iterator[Expired]:
    """What may go: scopes that have been done for an hour, what nobody used for 30 days, and
    files that were written without a record. With `thorough` every record is read, too, and what
    other code made than is installed here may go after a day."""
    now = time.time()
    for prefix, group in groupby(blobs.entries("memo/"), key=lambda entry: _prefix(entry.key)):
        found = tuple(group)
        why = _why(blobs, prefix, found, now, thorough)
        if why:
            yield Expired(prefix, why, found)
        elif thorough and prefix.startswith(ENTRIES):
            yield from _unnamed(blobs, prefix, found, now)


def _unnamed(
    blobs: Blobs, prefix: str, found: tuple[BlobEntry, ...], now: float
) -> Iterator[Expired]:
    """Files that the record of an entry does not name: one of two makers was overtaken."""
    record = CacheEntry(blobs, prefix.removesuffix(".")).record()
    if record is None:
        return
    needed = {f"{prefix}{digest}" for digest in record.files.values()}
    for entry in found:
        is_file = not entry.key.endswith(RECORD)
        if is_file and entry.key not in needed and now - entry.modified > YOUNG:
            yield Expired(entry.key, "not needed", (entry,))


def remove(blobs: Blobs, gone: Expired) -> bool:
    """Remove `gone` unless somebody wrote there since it was looked at; whether it was removed."""
    if tuple(blobs.entries(gone.prefix)) != gone.found:
        return False
    for entry in sorted(gone.found, key=lambda entry: not entry.key.endswith(RECORD)):
        blobs.remove(entry.key)
    return True


def sweep(blobs: Blobs) -> int:
    """Remove what expired; how many entries and scopes that were."""
    return sum(remove(blobs, gone) for gone in expired(blobs))


def _prefix(key: str) -> str:
    """The beginning that all keys of one entry, or of one scope, have and no others."""
    home = SCOPES if key.startswith(SCOPES) else ENTRIES
    rest = key.removeprefix(home)
    end = "/" if home == SCOPES else "."
    return f"{home}{rest.partition(end)[0]}{end}"


def _why(
    blobs: Blobs, prefix: str, found: tuple[BlobEntry, ...], now: float, thorough: bool
) -> str:
    """Why it may go; '' if it may not."""
    ages = {entry.key: now - entry.modified for entry in found}
    youngest = min(ages.values())
    if prefix.startswith(SCOPES):
        home, done = prefix + OPENED, ages.get(f"{prefix}{DONE}{RECORD}", 0.0)
    else:
        home, done = prefix.removesuffix("."), 0.0
    if done > SETTLED:
        return "done"
    if youngest > FORGOTTEN:
        return "old"
    if youngest <= YOUNG:
        return ""
    if f"{home}{RECORD}" not in ages:
        return "never finished"
    return "other code" if thorough and not _is_current(CacheEntry(blobs, home)) else ""


def _is_current(entry: CacheEntry) -> bool:
    """Whether the code that made it is installed here; of some the key says it."""
    record = entry.record()
    return record is None or record.code is None or record.code.current
