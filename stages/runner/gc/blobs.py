"""Which blobs something reaches: an artifact's record, a cached value, a job that was handed in."""

from collections.abc import Collection, Iterator, Mapping

from stages.artifacts import Ref
from stages.etl.manifest import read_manifest
from stages.etl.quarantine import TABLE, unlabelled_in
from stages.memo.entry import RECORD, CacheEntry
from stages.runner.gc.artifacts import jobs, read_record, ref_of
from stages.runner.gc.garbage import Garbage, blob_garbage, is_old
from stages.runtime.errors import Damaged
from stages.store import Store

MANIFEST = "manifest.csv"  # names the samples of a Dataset by their digests


def unreached_blobs(store: Store, gone: Collection[str]) -> Iterator[Garbage]:
    """Blobs that no record reaches which is in the store and not under one of the keys `gone`."""
    reached = _reached(store, gone)
    for entry in store.blobs.entries("blobs/"):
        if is_old(entry.modified) and entry.key.rpartition("/")[2] not in reached:
            yield blob_garbage("blobs", entry, store.blobs)


def _reached(store: Store, gone: Collection[str]) -> set[str]:
    reached: set[str] = set()
    for key in store.blobs.keys("records/"):
        if key not in gone:
            reached.update(_of_artifact(ref_of(key), store))
    for key in store.blobs.keys("memo/"):
        if key.endswith(RECORD) and (
            record := CacheEntry(store.blobs, key.removesuffix(RECORD)).record()
        ):
            reached.update(record.blobs)
    reached.update(request for request, _ in jobs(store))
    return reached


def _of_artifact(ref: Ref, store: Store) -> Iterator[str]:
    files = read_record(ref, store).get("files", {})
    yield from files.values()
    if ref.kind == "dataset" and MANIFEST in files:
        try:
            manifest = store.get(files[MANIFEST])
        except Damaged:  # then its samples cannot be found by anybody
            return
        yield from (sample.digest for sample in read_manifest(manifest))
        yield from _unlabelled(files, store)


def _unlabelled(files: Mapping[str, str], store: Store) -> list[str]:
    """The digests of samples without a label, which students learn from (`train.distil`)."""
    if TABLE not in files:
        return []
    try:
        return unlabelled_in(store.get(files[TABLE]))
    except Damaged:
        return []
