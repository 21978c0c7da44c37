"""Links to runs in MLflow's pages: announced when a run is opened, stored with its artifacts."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from stages.runtime.files import write

VIEW = "workflowType=machine_learning"  # without it MLflow opens its pages for language models


class Page(NamedTuple):
    """A run's place in MLflow: ids, from which the addresses of its pages are made."""

    experiment: str
    run: str

    def address(self, server: str, file: str = "") -> str:
        """The run's page on `server`, or the page that shows one of its files."""
        place = f"/#/experiments/{self.experiment}/runs/{self.run}"
        return f"{server.rstrip('/')}{place}{f'/artifacts/{file}' if file else ''}?{VIEW}"


Listener = Callable[[Page], None]
_listener: ContextVar[Listener | None] = ContextVar("aiwf_run_listener", default=None)


@contextmanager
def hearing(listener: Listener) -> Iterator[None]:
    """Call `listener` with the page of every run that is opened inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def announce(page: Page) -> None:
    """Call the listener, if there is one, with the page of a run that was opened."""
    if listener := _listener.get():
        listener(page)


def keep(root: Path, artifacts: Mapping[str, str], page: Page) -> None:
    """Keep the page of the run that made the artifacts `made` (kind to id)."""
    for kind, id in artifacts.items():
        write(_place(root, kind, id), json.dumps(page))


def page_of(root: Path, kind: str, id: str) -> Page | None:
    """The page of the run that made the artifact, if that run was on this workspace."""
    try:
        return Page(*json.loads(_place(root, kind, id).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _place(root: Path, kind: str, id: str) -> Path:
    return root / "mlflow" / "made" / kind / f"{id}.json"
