"""A pool of workers in this process, for searches whose decisions are tested and not their Ray.

It makes the same workers from the same shared data and drives the same sources as
`stages.train.distributed.executor`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Pool:
    """One worker, which does piece after piece."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker

    def run(self, source: Any) -> None:
        while (piece := source.next()) is not None:
            source.on_result(piece, self._done(piece, source.on_report))

    def map(self, pieces: Any, progress: Any) -> list[Any]:
        """The results of `pieces`, in their order, as `Executor.map`."""
        results: list[Any] = []
        for piece in pieces:
            results.append(self._done(piece, lambda *_: None))
            progress(len(results), len(pieces))
        return results

    def _done(self, piece: Any, on_report: Any) -> Any:
        """The result of `piece`, whose reports go to `on_report`."""
        work = self.worker.work(piece)
        while True:
            try:
                report = next(work)
            except StopIteration as end:
                return end.value
            on_report(piece, report)


@contextmanager
def worker_pool(make: Any, shared: Any, *_: Any, **__: Any) -> Iterator[Pool]:
    """In place of `executor.worker_pool`."""
    yield Pool(make(shared))


@contextmanager
def cluster(*_: Any) -> Iterator[Path]:
    """In place of `cluster.cluster`: no Ray is started."""
    yield Path("unused")
