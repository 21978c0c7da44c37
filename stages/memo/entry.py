"""One entry of the cache: files by digest, and a record that is written last and at once."""

import json
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import canonical, digest_of
from stages.blobs import Blobs
from stages.closure import Code

RECORD = ".json"


class CachedContent(NamedTuple):
    """What is cached. `facts`: what JSON can hold; `files`: bytes by name, or where they are;
    `blobs`: digests of blobs in the store that the facts name, so that they stay as long."""

    facts: Any = None
    files: Mapping[str, bytes | Path] = {}
    blobs: tuple[str, ...] = ()

    def data(self, name: str) -> bytes:
        """The bytes of the file `name`."""
        value = self.files[name]
        return value.read_bytes() if isinstance(value, Path) else value

    @property
    def all_bytes(self) -> dict[str, bytes]:
        """The bytes of every file by its name."""
        return {name: self.data(name) for name in self.files}


@dataclass(frozen=True)
class EntryRecord:
    """`files`: digests by name; `blobs`: those of the store that the facts name; `code`: what made
    them, if the key does not say it."""

    facts: Any
    files: dict[str, str]
    blobs: tuple[str, ...] = ()
    code: Code | None = None

    def packed(self) -> bytes:
        """Its bytes, with their digest before them."""
        body = canonical(vars(self))
        return digest_of(body).encode() + b"\n" + body

    @classmethod
    def unpacked(cls, data: bytes) -> "EntryRecord":
        """The record in `data`. Raises ValueError if a byte of it changed."""
        digest, _, body = data.partition(b"\n")
        if digest_of(body).encode() != digest:
            raise ValueError("A record does not have its digest.")
        fields = json.loads(body)
        code = fields["code"]
        return cls(
            fields["facts"],
            fields["files"],
            tuple(fields["blobs"]),
            Code(tuple(code[0]), tuple(code[1]), code[2]) if code else None,
        )


class CacheEntry:
    """The entry whose keys in `blobs` begin with `base`.

    What is damaged counts as not there, and is removed: it only saved time. Two that write at once
    do no harm: the last record counts."""

    def __init__(self, blobs: Blobs, base: str) -> None:
        self.blobs = blobs
        self.base = base

    def record(self) -> EntryRecord | None:
        """The record as it is now; its files are not looked at."""
        try:
            return EntryRecord.unpacked(self.blobs.get(self.base + RECORD))
        except KeyError:
            return None
        except (ValueError, LookupError, TypeError):
            self.blobs.remove(self.base + RECORD)
            return None

    def find(self) -> CachedContent | None:
        """All of it, checked."""
        while (record := self.record()) is not None:
            files = {name: self._get(digest) for name, digest in record.files.items()}
            whole = {name: data for name, data in files.items() if data is not None}
            if len(whole) == len(files):
                return CachedContent(record.facts, whole, record.blobs)
            self._drop(record)
        return None

    def fetch(self, folder: Path) -> CachedContent | None:
        """As `find`, with the files in the folder `folder`, which has nothing else afterwards."""
        while (record := self.record()) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            paths = {name: folder / name for name in record.files}
            if all(self._fetch(digest, paths[name]) for name, digest in record.files.items()):
                return CachedContent(record.facts, paths, record.blobs)
            self._drop(record)
        return None

    def keep(self, content: CachedContent, code: Code | None = None) -> None:
        """Write `content` in place of what is there. A file that is there is not written again."""
        before = self.record()
        there = set(before.files.values()) if before else set()
        files = {name: _digest(data) for name, data in content.files.items()}
        for name, digest in files.items():
            if digest not in there or not self.blobs.has(self._file(digest)):
                self._put(digest, content.files[name])
        self._write(EntryRecord(content.facts, files, content.blobs, code))
        self._remove(there - set(files.values()))

    def update(self, facts: Any) -> None:
        """Replace the facts alone; the files stay."""
        self._write(replace(self.record() or EntryRecord(None, {}), facts=facts))

    def renew(self, age: float) -> None:
        """Write the record again if it is older than `age` seconds: it is in use."""
        with suppress(KeyError):
            old = time.time() - self.blobs.modified(self.base + RECORD) > age
            if old and (record := self.record()) is not None:
                self._write(record)

    def remove(self) -> None:
        """Remove it, the record first."""
        before = self.record()
        self.blobs.remove(self.base + RECORD)
        self._remove(before.files.values() if before else ())

    def _drop(self, record: EntryRecord) -> None:
        """Remove `record`, whose files are damaged, unless another was written meanwhile."""
        if self.record() == record:
            self.remove()

    def _write(self, record: EntryRecord) -> None:
        self.blobs.put(self.base + RECORD, record.packed())

    def _put(self, digest: str, data: bytes | Path) -> None:
        if isinstance(data, Path):
            self.blobs.put_file(self._file(digest), data)
        else:
            self.blobs.put(self._file(digest), data)

    def _get(self, digest: str) -> bytes | None:
        try:
            data = self.blobs.get(self._file(digest))
        except KeyError:
            return None
        return data if digest_of(data) == digest else None

    def _fetch(self, digest: str, path: Path) -> bool:
        try:
            self.blobs.get_file(self._file(digest), path)
        except KeyError:
            return False
        return _digest(path) == digest

    def _remove(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self.blobs.remove(self._file(digest))

    def _file(self, digest: str) -> str:
        return f"{self.base}.{digest}"


def _digest(data: bytes | Path) -> str:
    if isinstance(data, bytes):
        return digest_of(data)
    with data.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
