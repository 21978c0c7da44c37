"""Runs a trained model's native graph with the runtime's predictor."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.artifacts import Model
from stages.parts import MODALITIES, TASKS
from stages.runtime.predictor import Predictor
from stages.store import Store

GRAPH = ("graph.json", "graph.pdiparams")


def description(model: Model, backend: str = "paddle") -> dict[str, Any]:
    """The runtime's description of `model`, as in a package; `backend` runs its network."""
    task = TASKS[model.task]
    return {
        "task": model.task,
        "modality": task.modality,
        "answers": task.answers,
        "types": list(MODALITIES[task.modality].types),
        "labels": list(model.labels),
        "before": [step.model_dump() for step in model.before],
        "after": [step.model_dump() for step in model.after],
        "backend": backend,
    }


@contextmanager
def graph_of(model: Model, store: Store) -> Iterator[Path]:
    """The path of `model`'s native graph, its parameters beside it under the same name."""
    with tempfile.TemporaryDirectory(prefix="aiwf-") as folder:
        for name in GRAPH:
            (Path(folder) / name).write_bytes(store.get(model.files[name]))
        yield Path(folder) / GRAPH[0]


def predictor_of(model: Model, graph: Path) -> Predictor:
    """A predictor of `model` with one thread."""
    return Predictor(description(model), graph, threads=1)
