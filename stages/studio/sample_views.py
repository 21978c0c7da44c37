"""What a browser shows and plays of a sample, made in a process of its own: files come from
outside, and a decoder that hangs or crashes on one must not stop the server."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

from stages.closure import code_of
from stages.etl.cached_files import CachedFile, read_cached
from stages.memo import CachedContent
from stages.runtime.errors import BadSample
from stages.settings import Settings
from stages.store import Store
from stages.studio.message_process import MessageProcess

PROCESSES = 2
SECONDS = 20.0  # for one sample
SMALL = 100_000  # bytes
MOST_BYTES = 200_000_000  # of one sample, as etl reads at most


class RenderedSample(NamedTuple):
    """Bytes with their content type. `facts`: width and height of the whole picture, or seconds of
    the sound."""

    content_type: str
    data: bytes
    facts: dict[str, Any]


class SampleViews:
    """Makes views of samples, and keeps them in the store's cache."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._processes: Queue[MessageProcess] = Queue()
        for _ in range(PROCESSES):
            self._processes.put(MessageProcess("stages.studio.view_process", SECONDS))

    def view(self, what: str, modality: str, file: CachedFile) -> RenderedSample:
        """The view `what` (thumbnail, view or sound) of the sample in `file`. Raises BadSample if
        it cannot be shown, Damaged if its bytes are gone."""
        if file.size > MOST_BYTES:
            raise BadSample(f"The file has {file.size:,} bytes.", "Make it smaller.")
        read = partial(read_cached, file, self._settings)
        return _rendered(self._found(what, modality, file, file.size, read))

    def stored(self, what: str, modality: str, digest: str) -> RenderedSample:
        """As `view`, of the sample with that `digest` in the store, such as one of a Dataset."""
        data = self._store.get(digest)
        return _rendered(self._found(what, modality, [digest], len(data), lambda: data))

    def local(self, what: str, modality: str, path: Path, digest: str) -> RenderedSample:
        """As `view`, of the file at `path` with that `digest`. Raises BadSample."""
        return _rendered(
            self._found(what, modality, [digest], path.stat().st_size, path.read_bytes)
        )

    def close(self) -> None:
        """End the processes."""
        for _ in range(PROCESSES):
            process = self._processes.get()
            process.end()
            self._processes.put(process)

    def _found(
        self,
        what: str,
        modality: str,
        file: Sequence[Any],
        size: int,
        read: Callable[[], bytes],
    ) -> CachedContent:
        """The view from the cache, or made; of a small file it is always made, as that takes less
        time than to keep it safely. `file`: what the bytes that `read` gives are known by."""
        if size <= SMALL and modality == "pictures":
            return self._make(what, modality, read())
        code = code_of("stages.studio.view_process")
        key = ["sample view", what, modality, *file]
        found = self._store.memo.find(key, code)
        if found is None:
            found = self._make(what, modality, read())
            self._store.memo.keep(key, code, found)
        return found

    def _make(self, what: str, modality: str, data: bytes) -> CachedContent:
        process = self._processes.get()
        try:
            facts, view = process.answer({"what": what, "modality": modality}, data)
        finally:
            self._processes.put(process)
        return CachedContent(facts, {"view": view})


def _rendered(found: CachedContent) -> RenderedSample:
    """What the process answered. Raises BadSample if that is a problem with the sample."""
    if "problem" in found.facts:
        raise BadSample(found.facts["problem"], found.facts["remedy"])
    facts = dict(found.facts)
    return RenderedSample(facts.pop("type"), found.data("view"), facts)
