"""Runs pieces of work on workers of Ray: actors that keep what they have read.

A piece is a pure function of itself and of what all workers share. So who works on it, in which
order pieces end, and how often a worker dies change nothing about the results."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.train.distributed.room import reserved

TRIES = 3  # of a piece whose worker died or failed
STARTING = 300.0  # seconds in which the first worker has to be up

Work = Generator[Any, None, Any]  # yields reports, returns the result


class PieceWorker(Protocol):
    """What runs on a worker: made once from what is shared, then given piece after piece."""

    def work(self, piece: Any) -> Work:
        """Do `piece`: yield reports meanwhile, return the result."""
        ...


class Source(Protocol):
    """Gives pieces out and takes what comes of them, all in the driver's thread."""

    def next(self) -> Any:
        """The next piece; None if there is none, or none until a running one is done."""
        ...

    def reported(self, piece: Any, report: Any) -> None: ...

    def resumed(self, piece: Any) -> Any:
        """What to do in place of `piece`, whose worker died or failed: the same, or what its
        reports leave of it."""
        ...

    def done(self, piece: Any, result: Any) -> None: ...


@dataclass
class _Attempt:
    piece: Any
    number: int = 1


class Executor:
    """Workers that stay until `close`: as many as `workers`, or fewer if there is no room for all.

    `make(shared)` makes a PieceWorker; it must be importable. `shared` is put into Ray's store of
    objects once, its arrays cannot be written to. `wanted`: CPU, GPU and memory (bytes) of each
    worker. `remedy`: what a person can do if a piece fails again and again. Raises
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
        self.places = reserved(workers, wanted)
        self.shared = ray.put(shared)
        self.starting: dict[Any, tuple[Any, Any]] = {}  # answer -> worker and its place
        self.idle: list[tuple[Any, Any]] = []
        self.running: dict[Any, tuple[tuple[Any, Any], _Attempt]] = {}
        self.again: deque[_Attempt] = deque()
        for place in self.places:
            self._start(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, source: Source) -> None:
        """Work until `source` has no piece left and none is running.

        Raises what a method of `source` raises, a WorkflowError that a worker raised, and
        InfrastructureError if a piece failed TRIES times or no worker comes up."""
        while not self._assigned_all(source) or self.running:
            self._listen(source)

    def map(self, pieces: Sequence[Any], progress: Callable[[int, int], None]) -> list[Any]:
        """The results of `pieces`, in their order; `progress` is called with how many are done."""
        source = _Listed(pieces, progress)
        self.run(source)
        return [source.results[id(piece)] for piece in pieces]

    def close(self) -> None:
        """End the workers and give their places back."""
        import ray
        from ray.util import remove_placement_group

        busy = [worker for worker, _ in self.running.values()]
        for actor, _ in [*self.starting.values(), *self.idle, *busy]:
            ray.kill(actor)
        for place in self.places:
            remove_placement_group(place)
        self.starting, self.idle, self.running, self.places = {}, [], {}, []

    def _start(self, place: Any) -> None:
        import ray
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        actor = (
            ray.remote(RayPieceWorker)
            .options(
                num_cpus=self.wanted.get("CPU", 0),
                num_gpus=self.wanted.get("GPU", 0),
                memory=self.wanted.get("memory", 0),
                max_restarts=0,
                scheduling_strategy=PlacementGroupSchedulingStrategy(place),
            )
            .remote(self.make, self.shared)
        )
        self.starting[actor.is_up.remote()] = (actor, place)

    def _assigned_all(self, source: Source) -> bool:
        """Give pieces to idle workers; whether there is no piece for one that is idle."""
        while self.idle:
            attempt = self.again.popleft() if self.again else _attempt(source.next())
            if attempt is None:
                return True
            worker = self.idle.pop(0)
            self.running[worker[0].work.remote(attempt.piece)] = (worker, attempt)
        return False

    def _listen(self, source: Source) -> None:
        """Wait for one report, result, failure or start, and take it."""
        import ray

        patience = None if self.running else STARTING
        ready, _ = ray.wait([*self.running, *self.starting], num_returns=1, timeout=patience)
        if not ready:
            raise InfrastructureError(
                f"No worker of Ray came up in {STARTING:g} s.",
                "Look at the cluster that AIWF_RAY names, or free some memory; run again.",
            )
        if ready[0] in self.starting:
            self._started(ready[0])
        else:
            self._take(ready[0], source)

    def _started(self, answer: Any) -> None:
        import ray

        actor, place = self.starting.pop(answer)
        try:
            ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise _cause(error) from None
        except ray.exceptions.RayError as error:
            raise InfrastructureError(
                f"A worker of Ray ended while it started: {_first_line(error)}", self.remedy
            ) from error
        else:
            self.idle.append((actor, place))

    def _take(self, items: Any, source: Source) -> None:
        """Take the next of the `items` that a worker yields."""
        import ray

        (worker, attempt) = self.running[items]
        try:
            is_result, value = ray.get(next(items))
        except ray.exceptions.RayTaskError as error:
            del self.running[items]
            self.idle.append(worker)
            self._failed(attempt, _cause(error), source)
        except ray.exceptions.RayError as error:  # the worker, or its machine, is gone
            del self.running[items]
            self._start(worker[1])
            self._failed(attempt, error, source)
        else:
            if not is_result:
                source.reported(attempt.piece, value)
                return
            del self.running[items]
            self.idle.append(worker)
            source.done(attempt.piece, value)

    def _failed(self, attempt: _Attempt, cause: Exception, source: Source) -> None:
        """Let the piece be tried again, unless that does not help."""
        if isinstance(cause, WorkflowError):
            raise cause
        if attempt.number == TRIES:
            raise InfrastructureError(
                f"{attempt.piece} failed {TRIES} times: {_first_line(cause)}", self.remedy
            ) from cause
        self.again.append(_Attempt(source.resumed(attempt.piece), attempt.number + 1))


class RayPieceWorker:
    """The actor: a PieceWorker whose reports and result travel as items of one stream."""

    def __init__(self, make: Callable[[Any], PieceWorker], shared: Any) -> None:
        self.worker = make(shared)

    def is_up(self) -> None:
        """Answer once the worker is made."""

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


class _Listed:
    """A source of pieces that are all known."""

    def __init__(self, pieces: Sequence[Any], progress: Callable[[int, int], None]) -> None:
        self.waiting = deque(pieces)
        self.results: dict[int, Any] = {}  # by the piece's identity
        self.finished = 0
        self.total, self.progress = len(pieces), progress
        progress(0, self.total)

    def next(self) -> Any:
        return self.waiting.popleft() if self.waiting else None

    def reported(self, piece: Any, report: Any) -> None: ...

    def resumed(self, piece: Any) -> Any:
        return piece

    def done(self, piece: Any, result: Any) -> None:
        self.results[id(piece)] = result
        self.finished += 1
        self.progress(self.finished, self.total)


def _attempt(piece: Any) -> _Attempt | None:
    return None if piece is None else _Attempt(piece)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _cause(error: Any) -> Exception:
    """What a worker raised, without Ray's wrapping."""
    cause: Exception = error.cause
    return cause
