"""Bytes in a dictionary: the smallest real store, for tests."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from stages.blobs import BlobEntry
from stages.runtime.files import write


class MemoryBlobs:
    """Lasts as long as the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}
        self._times: dict[str, float] = {}

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: another process would have a copy, and what it puts would be
        lost."""
        raise TypeError("Bytes in memory cannot be shared with another process.")

    def put(self, key: str, data: bytes) -> None:
        self._blobs[key] = bytes(data)
        self._times[key] = time.time()

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())

    def get(self, key: str) -> bytes:
        return self._blobs[key]

    def get_file(self, key: str, path: Path) -> None:
        write(path, self.get(key))

    def has(self, key: str) -> bool:
        return key in self._blobs

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self._blobs if key.startswith(prefix))

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        for key in self.keys(prefix):
            with suppress(KeyError):  # removed since it was listed
                yield BlobEntry(key, len(self._blobs[key]), self._times[key])

    def modified(self, key: str) -> float:
        return self._times[key]

    def remove(self, key: str) -> None:
        self._blobs.pop(key, None)
        self._times.pop(key, None)
