"""Which artifacts something reaches: a run's lock, the latest work of a pipeline, or work that was
done or reused in the last days; with all their parents."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from stages.artifacts import Ref, digest_of
from stages.blobs import BlobEntry
from stages.runner.gc.garbage import Garbage, blob_garbage, is_old
from stages.runtime.errors import Damaged
from stages.runtime.sealed import SEAL
from stages.store import Store

JOBS = "notes/jobs/"  # of training that was handed in: the digest of its request -> what it made


def unreached_artifacts(store: Store) -> Iterator[Garbage]:
    """Work that made what is gone or what nothing reaches, then the records of these artifacts,
    then notes about them."""
    reached = _reached(store)
    works: dict[Ref, list[str]] = {}
    for entry in store.blobs.entries("work/"):
        ref = artifact_of(entry.key, store)
        if is_old(entry.modified) and (ref not in reached or not store.holds(ref)):
            if ref:
                works.setdefault(ref, []).append(entry.key)
            yield blob_garbage("work", entry, store.blobs)
    reached = _reached(store)  # once more: a stage may have reused something meanwhile
    for entry in store.blobs.entries("records/"):
        ref = ref_of(entry.key)
        if is_old(entry.modified) and ref not in reached:
            yield _record(entry, works.get(ref, []), store)
    for entry in store.blobs.entries("notes/latency/"):
        package = Ref("package", entry.key.rpartition("/")[2].removesuffix(".json"))
        if is_old(entry.modified) and package not in reached:
            yield blob_garbage("notes", entry, store.blobs)
    seals = {seal_of(ref, store) for ref in reached if ref.kind == "package"}
    for entry in store.blobs.entries("notes/device_reports/"):
        if is_old(entry.modified) and entry.key.rpartition("/")[2].removesuffix(".json") not in (
            seals
        ):
            yield blob_garbage("notes", entry, store.blobs)


def seal_of(package: Ref, store: Store) -> str:
    """The digest of a package's seal, by which reports of devices name it; empty without one."""
    return str(read_record(package, store).get("files", {}).get(SEAL, ""))


def ref_of(key: str) -> Ref:
    """The reference of the record under `key`."""
    _, kind, digest = key.split("/")
    return Ref(kind, digest)


def read_record(ref: Ref, store: Store) -> dict[str, Any]:
    """The record of `ref`, of whichever version; empty if it is gone or damaged."""
    try:
        data = store.blobs.get(f"records/{ref.kind}/{ref.id}")
    except KeyError:
        return {}
    return dict(json.loads(data)) if digest_of(data) == ref.id else {}


def jobs(store: Store) -> Iterator[tuple[str, Ref | None]]:
    """The requests of training that was handed in in the last days, with what it made."""
    for entry in store.blobs.entries(JOBS):
        if not is_old(entry.modified):
            name = entry.key.removeprefix("notes/").removesuffix(".json")
            artifact = (store.noted(name) or {}).get("made")
            yield name.rpartition("/")[2], Ref(*artifact) if artifact else None


def artifact_of(key: str, store: Store) -> Ref | None:
    """What the work under `key` made; None if its record is gone or cannot be read."""
    try:
        return Ref(*store.read_work(key.removeprefix("work/"))["artifact"])
    except (Damaged, LookupError, TypeError):
        return None


def _reached(store: Store) -> set[Ref]:
    """Every artifact that something reaches."""
    reached: set[Ref] = set()
    waiting = list(_roots(store))
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += [Ref(*parent) for parent in read_record(ref, store).get("parents", ())]
    return reached


def _roots(store: Store) -> Iterator[Ref]:
    for lock in _notes("runs/", store):
        for field in ("artifacts", "made"):  # as earlier versions called them
            yield from (Ref(*ref) for ref in (lock or {}).get(field, {}).values())
        yield from _chained(lock or {})
    for prefix in ("live/", "chains/"):  # one that was live can be rolled back to
        for packages in _notes(prefix, store):
            yield from (Ref("package", id) for id in packages or ())
    latest = {f"work/{key}" for key in _notes("latest/", store)}
    for entry in store.blobs.entries("work/"):
        if entry.key in latest or not is_old(entry.modified):
            ref = artifact_of(entry.key, store)
            yield from [ref] if ref else []
    for entry in store.blobs.entries("records/"):
        if not is_old(entry.modified):  # its work is recorded soon
            yield ref_of(entry.key)
    yield from (artifact for _, artifact in jobs(store) if artifact)


def _chained(lock: Mapping[str, Any]) -> Iterator[Ref]:
    """The classifier and the data set that the chain of a run was planned with."""
    chain = lock.get("config", {}).get("deploy", {}).get("chain", {})
    chain = lock.get("config", {}).get("deploy", {}).get("chain", {})
    for name in (chain.get("classifier", ""), chain.get("truth", "")):
        if "@" in name:
            yield Ref(*name.split("@", 1))


def _notes(prefix: str, store: Store) -> Iterator[Any]:
    for key in store.blobs.keys(f"notes/{prefix}"):
        yield store.noted(key.removeprefix("notes/").removesuffix(".json"))


def _record(entry: BlobEntry, works: Iterable[str], store: Store) -> Garbage:
    found = blob_garbage("artifacts", entry, store.blobs)

    def remove() -> bool:
        if any(store.blobs.has(key) for key in works):  # a stage has just reused it
            return False
        return found.remove()

    return found._replace(remove=remove)
