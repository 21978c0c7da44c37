"""The one cache: what was made before by the same code from the same key is found, not made again.

It is a part of the store and reached as `store.memo`. All that it has may be lost at any time: then
it is made again. What nobody used for long is removed by `expiry.py`, by when its record was
written last; so a record that is found is written again if it is older than a day."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from stages.artifacts import canonical, digest_of
from stages.blobs import Blobs
from stages.closure import Code
from stages.memo.entry import RECORD, CachedContent, CacheEntry
from stages.memo.fingerprint import fingerprint

__all__ = ["DONE", "ENTRIES", "SCOPES", "CachedContent", "Memo", "Scope", "fingerprint"]

ENTRIES = "memo/entries/"  # in the store: single entries
SCOPES = "memo/scopes/"  # a folder for each scope
DAY = 86400.0  # seconds
OPENED = "scope"  # the name of an entry: that a scope was opened, and of which code it is
DONE = "done"  # that what came of a scope is saved


class Memo:
    """The cache in `blobs`.

    A key is anything that `fingerprint` takes, and says all that decides the content beside the
    code; `code`: what `closure.code_of` says of the modules that make it."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = blobs

    def __call__(self, key: Any, code: Code, make: Callable[[], CachedContent]) -> CachedContent:
        """The content of `key`: found, or made by `make` and kept; its facts are as JSON gives them
        either way. Two processes at once may both make it."""
        found = self.find(key, code)
        if found is None:
            found = make()
            self.keep(key, code, found)
            found = found._replace(facts=json.loads(canonical(found.facts)))
        return found

    def find(self, key: Any, code: Code) -> CachedContent | None:
        """The content of `key`, if it is there and whole."""
        entry = self._entry(key, code)
        found = entry.find()
        if found is not None:
            entry.renew(DAY)
        return found

    def keep(self, key: Any, code: Code, content: CachedContent) -> None:
        """Keep `content` in place of an earlier one."""
        self._entry(key, code).keep(content, code)

    def remove(self, key: Any, code: Code) -> None:
        """Remove the content of `key`, if there is one."""
        self._entry(key, code).remove()

    def scope(self, key: Any, code: Code | None = None) -> "Scope":
        """The group of entries of `key`, opened: it is not done any more. Without `code` the key
        says all."""
        digest = digest_of(canonical([fingerprint(key), code.digest if code else ""]))
        scope = Scope(self.blobs, f"{SCOPES}{digest}/")
        scope.open(code)
        return scope

    def _entry(self, key: Any, code: Code) -> CacheEntry:
        digest = digest_of(canonical([fingerprint(key), code.digest]))
        return CacheEntry(self.blobs, f"{ENTRIES}{digest}")


class Scope:
    """Entries that live and end together, as those of one search: all keys begin with `prefix`."""

    def __init__(self, blobs: Blobs, prefix: str) -> None:
        self.blobs = blobs
        self.prefix = prefix

    def open(self, code: Code | None) -> None:
        """Note that somebody works with it now, so that it does not expire."""
        self._at(OPENED).keep(CachedContent(), code)
        self._at(DONE).remove()

    def entry(self, key: Any) -> CacheEntry:
        """The entry of `key`: find, keep, update, fetch, remove."""
        return self._at(f"entry-{digest_of(canonical(fingerprint(key)))}")

    def find(self, key: Any) -> CachedContent | None:
        """The content of `key`, if it is there and whole."""
        return self.entry(key).find()

    def keep(self, key: Any, content: CachedContent) -> None:
        """Keep `content` in place of an earlier one."""
        self.entry(key).keep(content)

    def contents(self) -> Iterator[CachedContent]:
        """The content of every key, in no special order."""
        for key in list(self.blobs.keys(f"{self.prefix}entry-")):
            if key.endswith(RECORD):
                found = CacheEntry(self.blobs, key.removesuffix(RECORD)).find()
                if found is not None:
                    yield found

    def done(self) -> None:
        """Note that what came of it is saved. It is removed after an hour, so that a stage that is
        killed before its work is recorded can still resume; opening it takes the note away."""
        self._at(DONE).keep(CachedContent())

    def _at(self, name: str) -> CacheEntry:
        return CacheEntry(self.blobs, self.prefix + name)
