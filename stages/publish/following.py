"""Follows the champions of the registry: what becomes live is prepared and takes the place of what
was live before; what cannot be taken is noted, and the one before goes on answering."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

from stages.publish.places import live_folder
from stages.publish.registry import ModelRegistry, ModelVersion
from stages.publish.serving_package import ServingPackage
from stages.runtime.errors import WorkflowError
from stages.runtime.files import write
from stages.settings import Settings

POLL_SECONDS = 0.5  # between two questions to the registry
STATE = "serving.json"

Prepare = Callable[[str, ModelVersion], ServingPackage]
Take = Callable[[ServingPackage], None]


class ServiceState(NamedTuple):
    """What the service answers with for a pipeline. `package`: '' before the first one; `since`:
    ISO 8601, UTC. `refused`: a package that is the champion and was not taken, and `problem`: why;
    or why the registry does not answer."""

    package: str = ""
    version: int = 0
    since: str = ""
    refused: str = ""
    problem: str = ""


def state_of(pipeline: str, settings: Settings) -> ServiceState:
    """What the service noted last of `pipeline`."""
    try:
        path = live_folder(pipeline, settings) / STATE
        return ServiceState(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return ServiceState()


class Follower:
    """Follows the champions of `pipelines`; all that there are, if it is empty.

    `prepare` makes a package ready; `take` gets it when it is to answer. `swapped` is called with
    the pipeline and what came of a move: `taken` or `refused`."""

    def __init__(
        self,
        settings: Settings,
        prepare: Prepare,
        take: Take,
        swapped: Callable[[str, str], None],
        pipelines: tuple[str, ...] = (),
    ) -> None:
        self._settings, self._pipelines = settings, pipelines
        self._prepare, self._take, self._swapped = prepare, take, swapped
        self._states: dict[str, ServiceState] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Serve what was served last, if it still can be, and follow from then on. Returns when
        that is ready, so that a service which was killed says of nothing that it is not live."""
        for path in sorted((self._settings.root / "live").glob(f"*/{STATE}")):
            name, last = path.parent.name, state_of(path.parent.name, self._settings)
            if last.package and self._follows(name):  # also while the registry is away
                self._move(name, ModelVersion(last.version, last.package))
        self._thread.start()

    def stop(self) -> None:
        """Follow no longer."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        registry: ModelRegistry | None = None
        while not self._stopping.is_set():
            try:
                registry = registry or ModelRegistry(self._settings)
                champions = registry.champions()
            except Exception as error:  # whatever it is, what answers goes on
                self._note_problem(getattr(error, "problem", "") or repr(error))
                registry = None
            else:
                self._follow(champions)
            self._stopping.wait(POLL_SECONDS)

    def _follows(self, pipeline: str) -> bool:
        return not self._pipelines or pipeline in self._pipelines

    def _follow(self, champions: dict[str, ModelVersion]) -> None:
        for pipeline, version in champions.items():
            state = self._states.get(pipeline, ServiceState())
            if not self._follows(pipeline) or self._stopping.is_set():
                continue
            if version.package == state.package:
                if state.problem:  # the registry answers again, or it was rolled back
                    self._keep(pipeline, state._replace(refused="", problem=""))
            elif version.package != state.refused:
                self._move(pipeline, version)

    def _move(self, pipeline: str, version: ModelVersion) -> None:
        try:
            package = self._prepare(pipeline, version)
        except Exception as error:  # whatever it is, the one before goes on answering
            problem = getattr(error, "problem", "") or f"{type(error).__name__}: {error}"
            state = self._states.get(pipeline, ServiceState())
            self._keep(pipeline, state._replace(refused=version.package, problem=problem))
            self._swapped(pipeline, "refused")
            return
        self._take(package)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._keep(pipeline, ServiceState(version.package, version.number, now))
        self._swapped(pipeline, "taken")

    def _note_problem(self, problem: str) -> None:
        for pipeline, state in list(self._states.items()):
            if state.problem != problem and not state.refused:
                self._keep(pipeline, state._replace(problem=problem))

    def _keep(self, pipeline: str, state: ServiceState) -> None:
        self._states[pipeline] = state
        with suppress(WorkflowError):  # a full disk: it goes on answering
            write(live_folder(pipeline, self._settings) / STATE, json.dumps(state._asdict()))
