"""The store: blobs by digest, artifacts' records by id, and finished work by its inputs."""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stages.artifacts import KINDS, Artifact, Ref, canonical, digest_of
from stages.blobs import Blobs
from stages.memo import Memo
from stages.runtime.errors import ConfigError, Damaged
from stages.runtime.files import beside

RENEWED = 86400.0  # seconds


@dataclass(frozen=True)
class Work:
    """Everything that determines a stage's artifact; equal work gives an equal artifact."""

    stage: str
    config: dict[str, Any]
    inputs: dict[str, str]
    code: str
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The digest of all fields."""
        return digest_of(canonical(asdict(self)))


class Store:
    """Stores artifacts in `blobs`. All content is checked against its digest when it is read.

    A store can be pickled: so a worker in another process, or on another machine, opens the same
    one, wherever its blobs can be reached."""

    def __init__(self, blobs: Blobs, cache: Path) -> None:
        self.blobs = blobs
        self.cache = cache  # a local folder for files that have to be opened by path

    @property
    def memo(self) -> Memo:
        """The cache: what can be made again, under what it is made from."""
        return Memo(self.blobs)

    def add(self, data: bytes) -> str:
        """Keep `data` and return its digest; equal bytes are kept once.

        What is there for long is written again: `aiwf gc` leaves what is young, and knows of no
        artifact yet that reaches this."""
        digest = digest_of(data)
        if self._is_older(_blob(digest), RENEWED):
            self.blobs.put(_blob(digest), data)
        return digest

    def add_file(self, path: Path) -> str:
        """Store the content of the file at `path` and return its digest."""
        return self.add(path.read_bytes())

    def get(self, digest: str) -> bytes:
        """Return the bytes of `digest`. Raises Damaged if they are missing or changed."""
        try:
            data = self.blobs.get(_blob(digest))
        except KeyError:
            raise Damaged(
                f"The store has no blob {digest[:12]}.", "Run the pipeline again to make it anew."
            ) from None
        if digest_of(data) != digest:
            raise Damaged(
                f"Blob {digest[:12]} in the store does not have its digest.",
                "The disk or a person changed it: delete that file and run the pipeline again.",
            )
        return data

    def path(self, digest: str, suffix: str = "") -> Path:
        """A local file with the checked bytes of `digest`, for libraries that need a path."""
        path = self.cache / f"{digest}{suffix}"
        if not _is_there(path, digest):
            with beside(path) as draft:
                draft.write_bytes(self.get(digest))
        return path

    def save(self, artifact: Artifact) -> Ref:
        """Store the record of `artifact` under its id, and return its reference."""
        self.blobs.put(_record(artifact.ref), canonical(artifact.model_dump(mode="json")))
        return artifact.ref

    def load(self, ref: Ref) -> Any:
        """The artifact `ref`. Raises ConfigError if there is none, or if another version wrote its
        record; Damaged if the record was changed."""
        try:
            data = self.blobs.get(_record(ref))
        except KeyError:
            raise ConfigError(f"There is no {ref}.", "`aiwf list` shows what there is.") from None
        if digest_of(data) != ref.id:
            raise Damaged(f"The record of {ref} was changed.", "Run the pipeline again.")
        try:
            return KINDS[ref.kind].model_validate_json(data)
        except ValidationError:
            raise ConfigError(
                f"{ref} was made by another version of AI Workflow, whose fields differ.",
                "Run its pipeline again to make it anew.",
            ) from None

    def holds(self, ref: Ref) -> bool:
        """Whether there is a record of `ref`."""
        return self.blobs.has(_record(ref))

    def whole(self, ref: Ref) -> bool:
        """Whether the unchanged record of `ref` and all of its blobs are in the store."""
        try:
            digests = self.load(ref).files.values()
        except (ConfigError, Damaged):
            return False
        return all(self.blobs.has(_blob(digest)) for digest in digests)

    def find(self, text: str) -> Ref:
        """The reference for `text`: 'kind@id' with a unique beginning of the id. Raises
        ConfigError."""
        kind, _, start = text.partition("@")
        found = [key.split("/")[-1] for key in self.blobs.keys(f"records/{kind}/{start}")]
        if len(found) != 1:
            count = "no artifact" if not found else f"{len(found)} artifacts"
            raise ConfigError(f"'{text}' names {count}.", "`aiwf list` shows what there is.")
        return Ref(kind, found[0])

    def refs(self, kind: str) -> list[Ref]:
        """Every artifact of `kind`."""
        return [Ref(kind, key.split("/")[-1]) for key in self.blobs.keys(f"records/{kind}/")]

    def finished(self, work: Work) -> Ref | None:
        """The artifact of `work`, if it was done before and is still complete; else None."""
        key = f"work/{work.key}"
        if not self.blobs.has(key):
            return None
        try:
            ref = Ref(*self.read_work(work.key)["artifact"])
        except (Damaged, LookupError, TypeError):  # then the work is done and recorded again
            return None
        return ref if self.whole(ref) else None

    def reused(self, work: Work) -> Ref | None:
        """As `finished`, for a stage that is going to use it: `aiwf gc` leaves it from now on."""
        ref = self.finished(work)
        if ref is None:
            return None
        self.record(work, ref)
        return self.finished(work)  # a gc may have been faster

    def record(self, work: Work, ref: Ref) -> None:
        """Note that `work` made the artifact `ref`."""
        self.blobs.put(f"work/{work.key}", canonical({**asdict(work), "artifact": list(ref)}))

    def read_work(self, key: str) -> dict[str, Any]:
        """The record of the finished work `key`: the fields of Work, and the `artifact` it made."""
        return dict(_parsed(f"work/{key}", self.blobs.get(f"work/{key}")))

    def _is_older(self, key: str, seconds: float) -> bool:
        """Whether `key` was put longer ago, or is not there."""
        try:
            return time.time() - self.blobs.modified(key) > seconds
        except KeyError:
            return True

    def note(self, name: str, value: Any) -> None:
        """Store a small mutable fact (the last work, a run's lock) under `name`."""
        self.blobs.put(
            f"notes/{name}.json", json.dumps(value, indent=2, ensure_ascii=False).encode()
        )

    def noted(self, name: str) -> Any:
        """The fact under `name`, or None."""
        key = f"notes/{name}.json"
        try:
            return _parsed(key, self.blobs.get(key))
        except KeyError:
            return None


def _parsed(key: str, data: bytes) -> Any:
    """The JSON of a mutable record, which has no digest. Raises Damaged if it is invalid."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(
            f"'{key}' in the store cannot be read: {error}.",
            "The disk or a person changed it: delete that file and run the pipeline again.",
        ) from error


def _is_there(path: Path, digest: str) -> bool:
    """Whether the file at `path` has its digest; it is marked as used now, so that it stays."""
    with suppress(OSError):
        if digest_of(path.read_bytes()) == digest:
            os.utime(path)
            return True
    return False


def _blob(digest: str) -> str:
    return f"blobs/{digest[:2]}/{digest}"


def _record(ref: Ref) -> str:
    return f"records/{ref.kind}/{ref.id}"
