"""Stores for bytes: a folder, an S3 bucket or memory, behind one interface."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol


class BlobEntry(NamedTuple):
    """A key, how many bytes it has, and when they were written, in seconds since 1970."""

    key: str
    size: int
    modified: float


class Blobs(Protocol):
    """Bytes under keys like 'blobs/ab/abcd'. Puts are atomic: a key is absent or complete.

    Raises KeyError if a key is absent, InfrastructureError if the store cannot be used."""

    def put(self, key: str, data: bytes) -> None:
        """Store `data` under `key`, in place of what is there."""
        ...

    def put_file(self, key: str, path: Path) -> None:
        """Store the content of the file at `path` under `key`."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes under `key`."""
        ...

    def get_file(self, key: str, path: Path) -> None:
        """Write the bytes under `key` to the file at `path`."""
        ...

    def has(self, key: str) -> bool:
        """Whether there is `key`."""
        ...

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys that begin with `prefix`, in order."""
        ...

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        """All keys that begin with `prefix`, in order, with what is known of them unread."""
        ...

    def modified(self, key: str) -> float:
        """When `key` was last put, in seconds since 1970."""
        ...

    def remove(self, key: str) -> None:
        """Remove `key`, if it is there."""
        ...
