"""One thing that may be removed."""

import time
from collections.abc import Callable
from typing import NamedTuple

from stages.blobs import BlobEntry, Blobs

GRACE = 2 * 86400.0  # seconds in which whoever wrote something may still be at work with it


class Garbage(NamedTuple):
    """`kind`: for a person; `name`: a key in the store, or a path; `size`: bytes; `remove`: removes
    it unless somebody uses it now, and tells whether it did."""

    kind: str
    name: str
    size: int
    remove: Callable[[], bool]


def is_old(modified: float) -> bool:
    """Whether nobody can be at work with what was written then."""
    return time.time() - modified > GRACE


def blob_garbage(kind: str, entry: BlobEntry, blobs: Blobs) -> Garbage:
    """The key of `entry`, which goes if it was not written again."""

    def remove() -> bool:
        try:
            if blobs.modified(entry.key) > entry.modified:
                return False
        except KeyError:  # another gc has just removed it
            return False
        blobs.remove(entry.key)
        return True

    return Garbage(kind, entry.key, entry.size, remove)
