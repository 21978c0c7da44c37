"""What Airflow's form suggests for a text: data sets of the workspace, revisions, gates."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from stages.config import DataConfig, PipelineConfig
from stages.config.evaluate import EVERY_LABEL, GATED
from stages.config.gate import gate_text
from stages.etl import catalogue
from stages.parts import TASKS
from stages.runtime.errors import WorkflowError

MOST = 20  # revisions
SHORT = 8  # characters of a revision, as `aiwf data list` shows it


class Place(NamedTuple):
    """The workspace, as far as a list of data needs it. A DAG file is read every few seconds, and
    loading all settings would take longer than the rest."""

    root: Path


def place() -> Place:
    """The workspace that the environment names; see Settings.workspace."""
    return Place(Path(os.environ.get("AIWF_WORKSPACE") or ".aiwf").absolute())


def data_names(own: str) -> list[str]:
    """The data sets of the workspace, the pipeline's `own` first."""
    return list(dict.fromkeys([own, *_readable(lambda: catalogue.names(place()))]))


def revisions(data: DataConfig) -> list[str]:
    """The newest revisions of `data`, newest first."""
    found = _readable(
        lambda: [entry.revision[:SHORT] for entry in catalogue.read(data.name, place())]
    )
    return found[::-1][:MOST]


def gates(pipeline: PipelineConfig) -> list[str]:
    """Gates for the pipeline's kind of answer, its own first."""
    first = GATED[TASKS[pipeline.task].answers][0]
    usual = [{first: 0.9}, {first: 0.9, f"recall of {EVERY_LABEL}": 0.8}]
    return list(
        dict.fromkeys(filter(None, (gate_text(gate) for gate in (pipeline.evaluate.gate, *usual))))
    )


def _readable(names: Callable[[], list[str]]) -> list[str]:
    """No suggestions where the list cannot be read: the pipeline's form is shown all the same."""
    try:
        return names()
    except (WorkflowError, OSError):
        return []
