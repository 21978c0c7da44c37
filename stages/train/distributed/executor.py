"""Runs pieces of work on a pool of Ray actors, each of which loads the shared data once.

The result of a piece depends on the piece and on the shared data alone. So which worker does it, in
which order pieces end, and how often a worker dies do not change the results."""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, Self

from stages.resources import Resources
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.train.distributed.cluster import cluster
from stages.train.distributed.memory import worker_bytes
from stages.train.distributed.room import reserve_workers

TRIES = 3  # of a piece whose worker died or raised an error, and of a worker that does not start
START_TIMEOUT = 300.0  # seconds in which a worker has to be up while none is running

Work = Generator[Any, None, Any]  # yields reports, returns the result


class PieceWorker(Protocol):
    """What runs on a worker: it is made once from the shared data, then does piece after piece."""

    def work(self, piece: Any) -> Work:
        """Do `piece`: a generator that yields reports and returns the result."""
        ...


class Source(Protocol):
    """Gives pieces to the executor and takes their reports and results. The executor calls all
    methods in the thread that runs `Executor.run`."""

    def next(self) -> Any:
        """The next piece; None if there is none now. It is called again whenever a worker is
        idle."""
        ...

    def on_report(self, piece: Any, report: Any) -> None:
        """Take a `report` that the worker on `piece` yielded."""
        ...

    def resume(self, piece: Any) -> Any:
        """The piece to do in place of `piece`, whose worker died or raised an error: `piece`
        itself, or one that continues from its last report."""
        ...

    def on_result(self, piece: Any, result: Any) -> None:
        """Take the `result` of `piece`."""
        ...


@contextmanager
def worker_pool(
    make: Callable[[Any], PieceWorker],
    shared: Any,
    resources: Resources,
    *,
    shared_bytes: int,
    worker_data: int,
    workers: int,
    remedy: str,
    cores: float = 1.0,
) -> Iterator["Executor"]:
    """An Executor for the block, on the Ray of `cluster`, which is started or connected to if it is
    not yet. A worker has `cores` and allocates `worker_data` bytes beside Paddle and the
    `shared_bytes` of `shared`; other arguments and errors are as of `cluster` and `Executor`."""
    wanted = {"CPU": cores, "memory": float(worker_bytes(worker_data))}
    on_ray = cluster(resources, shared_bytes)
    with on_ray, Executor(make, shared, wanted=wanted, workers=workers, remedy=remedy) as executor:
        yield executor


@dataclass
class _Attempt:
    """Try `number`, from 1, of a piece."""

    piece: Any
    number: int = 1


class Executor:
    """A pool of `workers` workers, or fewer if there is no room for all, that live until `close`.
    This process has to be connected to Ray (`cluster.py`).

    `make(shared)` makes a PieceWorker in the worker; it must be importable. `shared` is put into
    Ray's object store once, so its arrays are read-only. `wanted`: CPU, GPU and memory (bytes) of
    each worker. `remedy`: what a person can do if a piece fails again and again. Raises
    InfrastructureError if there is no room for one worker."""

    def __init__(
        self,
        make: Callable[[Any], PieceWorker],
        shared: Any,
        *,
        wanted: dict[str, float],
        workers: int,
        remedy: str,
    ) -> None:
        import ray

        self.make, self.wanted, self.remedy = make, wanted, remedy
        self.placement_groups = reserve_workers(workers, wanted)
        self.shared = ray.put(shared)
        # A worker is a pair: its actor and its placement group.
        self.starting: dict[Any, tuple[Any, Any]] = {}  # by the reference that is ready once it is
        self.failed_starts = 0  # since a worker came up
        self.idle: list[tuple[Any, Any]] = []
        self.running: dict[Any, tuple[tuple[Any, Any], _Attempt]] = {}  # by its stream of items
        self.retries: deque[_Attempt] = deque()
        for placement_group in self.placement_groups:
            self._start(placement_group)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: Source) -> None:
        """Do the pieces of `source` until it has none left and none is running.

        Raises what a method of `source` raises, a WorkflowError that a worker raised, and
        InfrastructureError if a piece failed TRIES times or no worker comes up."""
        while not self._assigned_all(source) or self.running:
            self._listen(source)

    def map(self, pieces: Sequence[Any], progress: Callable[[int, int], None]) -> list[Any]:
        """The results of `pieces`, in their order; `progress(done, total)` is called at the start
        and after each. Raises what `run` raises."""
        source = _PieceList(pieces, progress)
        self.run(source)
        return [source.results[id(piece)] for piece in pieces]

    def close(self) -> None:
        """End the workers and give their placement groups back to Ray."""
        import ray
        from ray.util import remove_placement_group

        busy = [worker for worker, _ in self.running.values()]
        for actor, _ in [*self.starting.values(), *self.idle, *busy]:
            ray.kill(actor)
        for placement_group in self.placement_groups:
            remove_placement_group(placement_group)
        self.starting, self.idle, self.running, self.placement_groups = {}, [], {}, []

    def _start(self, placement_group: Any) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        actor = (
            ray.remote(RayPieceWorker)
            .options(
                num_cpus=self.wanted.get("CPU", 0),
                num_gpus=self.wanted.get("GPU", 0),
                memory=self.wanted.get("memory", 0),
                max_restarts=0,
                scheduling_strategy=PlacementGroupSchedulingStrategy(placement_group),
            )
            .remote(self.make, self.shared)
        )
        self.starting[actor.is_up.remote()] = (actor, placement_group)

    def _assigned_all(self, source: Source) -> bool:
        """Give pieces to idle workers; return whether a worker is idle for want of a piece."""
        while self.idle:
            attempt = self.retries.popleft() if self.retries else _attempt(source.next())
            if attempt is None:
                return True
            worker = self.idle.pop(0)
            self.running[worker[0].work.remote(attempt.piece)] = (worker, attempt)
        return False

    def _listen(self, source: Source) -> None:
        """Wait for the next report, result, failure or start of a worker, and handle it."""
        import ray

        timeout = None if self.running else START_TIMEOUT
        ready, _ = ray.wait([*self.running, *self.starting], num_returns=1, timeout=timeout)
        if not ready:
            raise InfrastructureError(
                f"No worker of Ray came up in {START_TIMEOUT:g} s.",
                "Look at the cluster that AIWF_RAY names, or free some memory; run again.",
            )
        if ready[0] in self.starting:
            self._add_idle(ready[0])
        else:
            self._take(ready[0], source)

    def _add_idle(self, answer: Any) -> None:
        """Take a worker as idle once its `answer` is ready, or start another one if it died; raise
        if it could not be made, or if TRIES died one after the other."""
        import ray

        actor, placement_group = self.starting.pop(answer)
        try:
            ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise _cause(error) from None
        except ray.exceptions.RayError as error:
            self.failed_starts += 1
            if self.failed_starts == TRIES:
                raise InfrastructureError(
                    f"{TRIES} workers of Ray ended while they started: {_first_line(error)}",
                    self.remedy,
                ) from error
            self._start(placement_group)
        else:
            self.failed_starts = 0
            self.idle.append((actor, placement_group))

    def _take(self, items: Any, source: Source) -> None:
        """Handle the next of the `items` that a worker yields: a report or the result; if it failed
        instead, queue its piece again, and replace the worker if it died."""
        import ray

        (worker, attempt) = self.running[items]
        try:
            is_result, value = ray.get(next(items))
        except ray.exceptions.RayTaskError as error:
            del self.running[items]
            self.idle.append(worker)
            self._retry(attempt, _cause(error), source)
        except ray.exceptions.RayError as error:  # the worker, or its machine, is gone
            del self.running[items]
            self._start(worker[1])
            self._retry(attempt, error, source)
        else:
            if not is_result:
                source.on_report(attempt.piece, value)
                return
            del self.running[items]
            self.idle.append(worker)
            source.on_result(attempt.piece, value)

    def _retry(self, attempt: _Attempt, cause: Exception, source: Source) -> None:
        """Queue the piece again. Raises `cause` if it is a WorkflowError, which a repetition does
        not mend, and InfrastructureError after TRIES tries."""
        if isinstance(cause, WorkflowError):
            raise cause
        if attempt.number == TRIES:
            raise InfrastructureError(
                f"{attempt.piece} failed {TRIES} times: {_first_line(cause)}", self.remedy
            ) from cause
        self.retries.append(_Attempt(source.resume(attempt.piece), attempt.number + 1))


class RayPieceWorker:
    """The Ray actor around a PieceWorker. A piece's reports and result are items of one stream."""

    def __init__(self, make: Callable[[Any], PieceWorker], shared: Any) -> None:
        self.worker = make(shared)

    def is_up(self) -> None:
        """Return once the worker is made; Ray calls it after `__init__`."""

    def work(self, piece: Any) -> Generator[tuple[bool, Any], None, None]:
        """Yield (False, report) for each report, then (True, result)."""
        work = self.worker.work(piece)
        while True:
            try:
                report = next(work)
            except StopIteration as end:
                yield True, end.value
                return
            yield False, report


class _PieceList:
    """A source of pieces that are all given at the start, in `pieces`."""

    def __init__(self, pieces: Sequence[Any], progress: Callable[[int, int], None]) -> None:
        self.waiting = deque(pieces)
        self.results: dict[int, Any] = {}  # by the piece's identity
        self.finished = 0
        self.total, self.progress = len(pieces), progress
        progress(0, self.total)

    def next(self) -> Any:
        return self.waiting.popleft() if self.waiting else None

    def on_report(self, piece: Any, report: Any) -> None: ...

    def resume(self, piece: Any) -> Any:
        return piece

    def on_result(self, piece: Any, result: Any) -> None:
        self.results[id(piece)] = result
        self.finished += 1
        self.progress(self.finished, self.total)


def _attempt(piece: Any) -> _Attempt | None:
    return None if piece is None else _Attempt(piece)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _cause(error: Any) -> Exception:
    """The error that a worker raised, without Ray's RayTaskError around it."""
    cause: Exception = error.cause
    return cause
