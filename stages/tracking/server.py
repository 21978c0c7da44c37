"""Connects to MLflow: makes its tables if needed and raises at once if it does not answer."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from stages.databases import path_of
from stages.faults import as_ours
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.files import alone
from stages.tracking.tables import ready

if TYPE_CHECKING:
    from mlflow import MlflowClient

QUIET = {  # no telemetry, and few retries: the writer has its own
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


class TrackingPlace(Protocol):
    """What tracking has to know of the settings."""

    @property
    def root(self) -> Path: ...

    @property
    def mlflow_uri(self) -> str: ...


def connect(place: TrackingPlace) -> "MlflowClient":
    """A client whose store answers. Raises InfrastructureError if it does not."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with refusals(place):
        ready(place.mlflow_uri)
        client = MlflowClient(place.mlflow_uri)
        client.search_experiments(max_results=1)
    return client


@contextmanager
def refusals(place: TrackingPlace) -> Iterator[None]:
    """Raise InfrastructureError for whatever MLflow, its database or its server raise inside."""
    try:
        yield
    except WorkflowError:
        raise
    except Exception as error:  # SQLAlchemy, requests and MLflow each raise their own
        translated = as_ours(error)
        remedy = (
            translated.remedy
            if translated and "://" in place.mlflow_uri and not _is_remote(place)
            else ("Start it (`aiwf up`), or unset AIWF_MLFLOW to keep records in the workspace.")
        )
        raise InfrastructureError(
            f"MLflow at {place.mlflow_uri} cannot be used: {_first_line(error)}.", remedy
        ) from error


def _is_remote(place: TrackingPlace) -> bool:
    return place.mlflow_uri.startswith(("http://", "https://"))


def experiment(client: "MlflowClient", name: str, place: TrackingPlace) -> str:
    """The id of the experiment `name`; made, or taken out of the bin, if need be."""
    with alone(place.root / "mlflow" / ".lock"):
        found = client.get_experiment_by_name(name)
        if found is None:
            tags = {"mlflow.experimentKind": "custom_model_development"}
            return str(client.create_experiment(name, _files_of(name, place), tags))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


def _files_of(name: str, place: TrackingPlace) -> str | None:
    """Where files go: beside a database that is a file; a server decides for itself.

    Not in the workspace: a run that is made again has one for itself, which does not last."""
    if database := path_of(place.mlflow_uri):
        return (database.parent / "files" / name).as_uri()
    return None if "://" in place.mlflow_uri else (place.root / "mlflow" / "files" / name).as_uri()


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
