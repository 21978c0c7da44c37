"""A pipeline over a few real pictures, and what Airflow would hand to a task."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from stages.config import PipelineConfig
from stages.etl import source
from stages.settings import Settings
from tests import makers


@dataclass
class TaskInstance:
    """Keeps XComs, as Airflow's does."""

    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


@dataclass
class DagRun:
    """Names a run, as Airflow's does."""

    dag_id: str = "shapes"
    run_id: str = "manual__2026-11-22T14:30:50.123456+00:00"


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Settings:
    """A workspace with the data set 'shapes'."""
    folder = tmp_path_factory.mktemp("operators")
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "shapes", each=10), settings)
    return settings


@pytest.fixture
def settings(workspace, monkeypatch) -> Settings:
    """The workspace, named in the environment as a worker finds it."""
    monkeypatch.setenv("AIWF_WORKSPACE", str(workspace.root))
    return workspace


@pytest.fixture
def pipeline() -> dict[str, Any]:
    config = PipelineConfig(name="shapes", task="image_classification", data="shapes")
    return config.model_dump(mode="json")


def context(run: str = "one", **params: Any) -> dict[str, Any]:
    """What Airflow hands to a task; `params` has '__' for the dots of keys."""
    answers = {key.replace("__", "."): value for key, value in params.items()}
    return {"ti": TaskInstance(), "dag_run": DagRun(run_id=run), "params": answers}
