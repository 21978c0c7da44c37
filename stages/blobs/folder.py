"""Bytes as files under one folder."""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from stages.blobs import BlobEntry
from stages.runtime.errors import InfrastructureError
from stages.runtime.files import beside, write


class FolderBlobs:
    """Keys are paths relative to `root`; files are written beside and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        return self.root / key

    def put(self, key: str, data: bytes) -> None:
        write(self.path(key), data)

    def put_file(self, key: str, path: Path) -> None:
        with beside(self.path(key)) as draft:
            shutil.copyfile(path, draft)

    def get(self, key: str) -> bytes:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None
        except OSError as error:
            raise InfrastructureError(
                f"Cannot read {self.path(key)}: {error.strerror}.", "Check the store's folder."
            ) from error

    def get_file(self, key: str, path: Path) -> None:
        write(path, self.get(key))

    def has(self, key: str) -> bool:
        return self.path(key).is_file()

    def keys(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[BlobEntry]:
        found = (path.relative_to(self.root).as_posix() for path in self._below(prefix))
        named = (key for key in found if not key.endswith(".part"))
        for key in sorted(named):
            with suppress(FileNotFoundError):  # removed since it was listed
                status = self.path(key).stat()
                if S_ISREG(status.st_mode):
                    yield BlobEntry(key, status.st_size, status.st_mtime)

    def _below(self, prefix: str) -> Iterator[Path]:
        """What begins with `prefix`; folders that begin otherwise are not searched."""
        folder, _, name = prefix.rpartition("/")
        start: list[Path] = []
        with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            start = [path for path in self.path(folder).iterdir() if path.name.startswith(name)]
        for path in start:
            yield path
            if path.is_dir() and not path.is_symlink():
                yield from path.rglob("*")

    def modified(self, key: str) -> float:
        try:
            return self.path(key).stat().st_mtime
        except FileNotFoundError:
            raise KeyError(key) from None

    def remove(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)
