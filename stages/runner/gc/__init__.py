"""Finds what is in the way: what nothing reaches in the store, and what killed commands left.

Nothing is removed while it is looked for; each `Garbage` is removed by its own `remove`, which
looks again, so that a run beside it, or another gc, loses nothing:

- What nothing reaches goes only if it was written more than two days ago. A run writes blobs before
  the record that reaches them, and writes again what is older than a day.
- A stage that reuses an artifact records its work again first. A record goes only after all work
  that would reuse it, and a blob only after all records."""

from collections.abc import Iterator
from functools import partial

from stages.memo.expiry import expired, remove
from stages.runner.gc.artifacts import unreached_artifacts
from stages.runner.gc.blobs import unreached_blobs
from stages.runner.gc.garbage import Garbage, blob_garbage, is_old
from stages.runner.gc.workspace import leftovers_of
from stages.settings import Settings
from stages.store import Store

__all__ = ["Garbage", "garbage"]


FORMER = (  # keys of caches of earlier versions
    *("teams/", "tails/", "notes/deploy/", "notes/backbones/", "notes/ood/", "notes/untrained/"),
    *("notes/device/", "notes/labels/"),
)


def garbage(store: Store, settings: Settings) -> Iterator[Garbage]:
    """All that may go, in the order in which it may. Raises Damaged if a run's lock cannot be read,
    as then nobody knows what it reaches."""
    yield from _cached(store)
    gone: set[str] = set()  # keys of records that go, so that their blobs may
    for found in unreached_artifacts(store):
        gone.add(found.name)
        yield found._replace(remove=partial(_remove_or_stay, found, gone))
    yield from unreached_blobs(store, gone)
    yield from leftovers_of(settings)


def _remove_or_stay(found: Garbage, gone: set[str]) -> bool:
    """Remove it; if it has to stay, so do its blobs."""
    removed = found.remove()
    if not removed:
        gone.discard(found.name)
    return removed


def _cached(store: Store) -> Iterator[Garbage]:
    """What expired in the cache, and what earlier versions cached."""
    for entry in expired(store.blobs, thorough=True):
        kind = f"cache ({entry.why})"
        yield Garbage(kind, entry.prefix, entry.size, partial(remove, store.blobs, entry))
    for prefix in FORMER:
        for former in store.blobs.entries(prefix):
            if is_old(former.modified):
                yield blob_garbage("of earlier versions", former, store.blobs)
