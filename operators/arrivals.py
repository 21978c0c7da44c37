"""Waits until data in a watched folder have arrived completely. Airflow's triggerer runs it."""

import asyncio
import os
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from stages.runtime.errors import DataError

SECONDS = 5.0  # between two looks at a folder
MOST_SHARE = 0.05  # of the time that looking may take: a large folder is looked at less often
MOST_FILES = 1_000_000
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download")
STATE = "fingerprint"  # of what arrived last, in the state that Airflow keeps for the asset


class Arrival(NamedTuple):
    """What a folder holds: the `path` to add, and a digest of the names, sizes and times of its
    files."""

    path: str
    fingerprint: str


class FolderTrigger(BaseEventTrigger):  # type: ignore[misc]
    """Yields an event for each new content of `folder` that two looks in a row find the same.

    What the last event was for is kept by Airflow with the asset, so a triggerer that is started
    again reports what arrived meanwhile, and nothing twice. A folder that is not there is waited
    for."""

    def __init__(self, folder: str, seconds: float = SECONDS) -> None:
        super().__init__()
        self.folder = folder
        self.seconds = seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "operators.arrivals.FolderTrigger",
            {"folder": self.folder, "seconds": self.seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        reported = await self._reported()
        previous: Arrival | None = None
        while True:
            began = time.monotonic()
            current = await asyncio.to_thread(self._arrival)
            if current and current == previous and current.fingerprint != reported:
                reported = current.fingerprint
                yield TriggerEvent(current._asdict())
                await self._report(reported)
            previous = current
            took = time.monotonic() - began
            await asyncio.sleep(max(self.seconds, took / MOST_SHARE))

    def _arrival(self) -> Arrival | None:
        try:
            return arrival(Path(self.folder))
        except (OSError, DataError) as error:  # the triggerer goes on watching
            self.log.warning("%s is not read: %s", self.folder, error)
            return None

    async def _reported(self) -> str:
        state = self.asset_state_store
        return str(await state.aget(STATE, "")) if state else ""

    async def _report(self, fingerprint: str) -> None:
        if self.asset_state_store:
            await self.asset_state_store.aset(STATE, fingerprint)


def arrival(folder: Path) -> Arrival | None:
    """What `folder` holds: its newest zip, or without one all its files together; None if there is
    nothing, or a file whose name or end says that it is still being written. Hidden files do not
    count. Raises OSError if it cannot be read, DataError for too many files."""
    files = list(_files(folder))
    if not files or any(name.lower().endswith(UNFINISHED) for name, _ in files):
        return None
    zips = [each for each in files if "/" not in each[0] and each[0].lower().endswith(".zip")]
    if not zips:
        return Arrival(str(folder), _fingerprint(files))
    newest = max(zips, key=lambda each: (each[1].st_mtime_ns, each[0]))
    path = folder / newest[0]
    return Arrival(str(path), _fingerprint([newest])) if zipfile.is_zipfile(path) else None


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The name below `folder` and the status of each file, in order of names."""
    count = 0
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            count += 1
            if count > MOST_FILES:
                raise DataError(f"{folder} has more than {MOST_FILES:,} files.", "Divide it.")
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path.stat()


def _fingerprint(files: list[tuple[str, os.stat_result]]) -> str:
    digest = sha256()
    for name, status in files:
        line = f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n"
        digest.update(os.fsencode(line))
    return digest.hexdigest()
