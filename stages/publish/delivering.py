"""Delivers beside the live service: a thread that puts what is live at its destination, if that has
something else: after a move that was made in MLflow, or because the destination did not answer."""

import threading
from contextlib import suppress

from stages.publish.destination import deliver, delivery_of, destination_of
from stages.publish.places import published_pipelines
from stages.publish.registry import ModelRegistry
from stages.runtime.errors import WorkflowError
from stages.settings import Settings

SECONDS = 30.0  # between two looks


class Deliverer:
    """Delivers the champions of `pipelines`; of all that were published, if it is empty."""

    def __init__(self, settings: Settings, pipelines: tuple[str, ...] = ()) -> None:
        self._settings, self._pipelines = settings, pipelines
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Deliver no longer. What is under way ends with the process; it is whole or not there."""
        self._stopping.set()

    def _run(self) -> None:
        while not self._stopping.wait(SECONDS):
            with suppress(Exception):  # the registry is away, or whatever: the next look goes on
                deliver_all(self._settings, self._pipelines)


def deliver_all(settings: Settings, pipelines: tuple[str, ...] = ()) -> None:
    """Put what is live where it is not yet. Raises InfrastructureError if the registry does not
    answer."""
    names = [name for name in published_pipelines(settings) if not pipelines or name in pipelines]
    wanting = [name for name in names if _has_destination(name, settings)]
    if not wanting:
        return
    registry = ModelRegistry(settings)
    champions = registry.champions()
    for name in wanting:
        found, champion = delivery_of(name, settings), champions.get(name)
        is_there = found.package == (champion.package if champion else "")
        if found.problem or not is_there or found.place != destination_of(name, settings):
            deliver(name, registry, settings)


def _has_destination(pipeline: str, settings: Settings) -> bool:
    try:
        return bool(destination_of(pipeline, settings))
    except WorkflowError:  # of a YAML that is being written; a run will say it
        return False
