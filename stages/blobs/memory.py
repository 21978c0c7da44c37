"""Bytes in a dictionary: the smallest real store, for tests."""

from collections.abc import Iterator
from pathlib import Path

from stages.runtime.files import write


class MemoryBlobs:
    """Lasts as long as the process."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self._blobs[key] = bytes(data)

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

    def remove(self, key: str) -> None:
        self._blobs.pop(key, None)
