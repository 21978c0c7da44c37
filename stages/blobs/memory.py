"""Bytes in a dictionary: the smallest real store, for tests."""

from collections.abc import Iterator
from pathlib import Path

from stages.runtime.files import write


class MemoryBlobs:
    """Forgets everything when the process ends."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self._kept[key] = bytes(data)

    def put_file(self, key: str, path: Path) -> None:
        self.put(key, path.read_bytes())

    def get(self, key: str) -> bytes:
        return self._kept[key]

    def get_file(self, key: str, path: Path) -> None:
        write(path, self.get(key))

    def has(self, key: str) -> bool:
        return key in self._kept

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self._kept if key.startswith(prefix))

    def remove(self, key: str) -> None:
        self._kept.pop(key, None)
