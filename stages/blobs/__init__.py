"""Where bytes are kept: a folder, an S3 bucket, or memory. One promise, one contract test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """Bytes under keys like 'blobs/ab/abcd'. A key is either absent or whole, never half-written.

    Raises KeyError where a key is absent, InfrastructureError where the place cannot be used."""

    def put(self, key: str, data: bytes) -> None: ...

    def put_file(self, key: str, path: Path) -> None: ...

    def get(self, key: str) -> bytes: ...

    def get_file(self, key: str, path: Path) -> None: ...

    def has(self, key: str) -> bool: ...

    def keys(self, prefix: str) -> Iterator[str]: ...

    def remove(self, key: str) -> None:
        """Nothing is done if `key` is absent."""
        ...
