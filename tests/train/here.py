"""A pool of workers in this process, for searches whose decisions are tested and not their Ray.

It makes the same workers from the same shared data and drives the same sources as
`stages.train.distributed.executor`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.resources import Resources


def finish(worker: Any, piece: Any, on_report: Callable[[Any, Any], Any] = lambda *_: None) -> Any:
    """The result of `piece`, done by `worker`; reports go to `on_report`, with the piece."""
    work = worker.work(piece)
    while True:
        try:
            report = next(work)
        except StopIteration as end:
            return end.value
        on_report(piece, report)


class Pool:
    """One worker, which does piece after piece."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker

    def run(self, source: Any) -> None:
        while (piece := source.next()) is not None:
            source.on_result(piece, finish(self.worker, piece, source.on_report))

    def map(self, pieces: Any, progress: Any) -> list[Any]:
        """The results of `pieces`, in their order, as `Executor.map`."""
        results: list[Any] = []
        for piece in pieces:
            results.append(finish(self.worker, piece))
            progress(len(results), len(pieces))
        return results


@contextmanager
def worker_pool(
    make: Any,
    shared: Any,
    resources: Resources,
    *,
    shared_bytes: int,
    worker_data: int,
    workers: int,
    remedy: str,
    cores: float = 1.0,
) -> Iterator[Pool]:
    """In place of `executor.worker_pool`, with its arguments: there is a worker, it has a part of a
    core, and it has room for what is shared."""
    assert resources.cores >= 1
    assert 0 < shared_bytes <= worker_data
    assert workers >= 1
    assert 0 < cores <= 1
    assert remedy
    yield Pool(make(shared))


@contextmanager
def cluster(resources: Resources, shared_bytes: int) -> Iterator[Path]:
    """In place of `cluster.cluster`: no Ray is started."""
    assert resources.cores >= 1
    assert shared_bytes > 0
    yield Path("unused")
