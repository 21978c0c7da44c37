"""Delivers beside the live service: a thread that puts what is live at its destination, if that has
something else: after a move that was made in MLflow, or because the destination did not answer. A
destination that fails is tried less and less often, up to once in MOST_ROUNDS rounds."""

import threading
from contextlib import suppress

from stages.publish.destination import deliver, delivery_of, destination_of
from stages.publish.places import published_pipelines
from stages.publish.registry import ModelRegistry
from stages.runtime.errors import WorkflowError
from stages.settings import Settings

SECONDS = 30.0  # between two rounds
MOST_ROUNDS = 64  # between two tries of a destination that fails: about half an hour


class Backoff:
    """How many rounds pass before a destination that fails is tried again: twice as many after each
    failure, at most MOST_ROUNDS; none once something else is live, or the place is another."""

    def __init__(self) -> None:
        self._failing: dict[str, tuple[object, int, int]] = {}  # by pipeline: goal, pause, rounds

    def is_due(self, pipeline: str, goal: object) -> bool:
        """Whether to try now; called once in a round. `goal`: what is to be where."""
        last, pause, rounds = self._failing.get(pipeline, (None, 0, 0))
        if last != goal or rounds <= 1:
            return True
        self._failing[pipeline] = (goal, pause, rounds - 1)
        return False

    def note(self, pipeline: str, goal: object, failed: bool) -> None:
        """Note how a try ended."""
        last, pause, _ = self._failing.pop(pipeline, (None, 0, 0))
        if failed:
            longer = min(MOST_ROUNDS, 2 * pause) if last == goal and pause else 1
            self._failing[pipeline] = (goal, longer, longer)


class Deliverer:
    """Delivers the champions of `pipelines`; of all that were published, if it is empty."""

    def __init__(self, settings: Settings, pipelines: tuple[str, ...] = ()) -> None:
        self._settings, self._pipelines = settings, pipelines
        self._stopping = threading.Event()
        self._backoff = Backoff()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Deliver no longer. What is under way ends with the process; it is whole or not there."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            with suppress(Exception):  # the registry is away, or whatever: the next round goes on
                deliver_all(self._settings, self._pipelines, self._backoff)


def deliver_all(
    settings: Settings, pipelines: tuple[str, ...] = (), backoff: Backoff | None = None
) -> None:
    """Put what is live where it is not yet; a destination that failed before only if it is due by
    `backoff`. Raises InfrastructureError if the registry does not answer."""
    backoff = backoff or Backoff()
    names = [name for name in published_pipelines(settings) if not pipelines or name in pipelines]
    wanting = [name for name in names if _has_destination(name, settings)]
    if not wanting:
        return
    registry = ModelRegistry(settings)
    champions = registry.champions()
    for name in wanting:
        found, champion = delivery_of(name, settings), champions.get(name)
        goal = (champion.package if champion else "", destination_of(name, settings))
        is_there = (found.package, found.place) == goal and not found.problem
        if not is_there and backoff.is_due(name, goal):
            delivery = deliver(name, registry, settings)
            backoff.note(name, goal, failed=bool(delivery.problem))


def _has_destination(pipeline: str, settings: Settings) -> bool:
    try:
        return bool(destination_of(pipeline, settings))
    except WorkflowError:  # of a YAML that is being written; a run will say it
        return False
