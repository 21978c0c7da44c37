"""What can be measured: a trained model or a package, from the store, a folder or a zip."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from stages.artifacts import Dataset, Model, Ref
from stages.etl.manifest import samples_of
from stages.evaluate.about import facts_of
from stages.evaluate.kinds import Unseen, unseen_of
from stages.evaluate.native import graph_of, predictor_of
from stages.evaluate.packaged import opened_package
from stages.evaluate.rejected import rejected_label
from stages.runtime.answers.sure import Sure, sure_of
from stages.runtime.errors import ConfigError
from stages.runtime.predictor import Predictor, predictor_in
from stages.store import Store

_HOW = "Give a package's folder or zip, or model@id or package@id from `aiwf list`."


@dataclass(frozen=True)
class Subject:
    """`predictor`: makes a new one-thread predictor. `dataset`: id of the dataset that it was
    trained on. `threshold`, `sure`: as set in a package; None for a model, whose `unseen` answers
    choose them. `other`: the label of samples that have none of the other labels; may be empty."""

    title: str
    task: str
    labels: tuple[str, ...]
    predictor: Callable[[], Predictor]
    facts: list[tuple[str, str]]
    lineage: list[tuple[str, str]] = field(default_factory=list)
    dataset: str = ""
    threshold: float | None = None
    sure: Sure | None = None
    unseen: Unseen | None = None
    other: str = ""


@contextmanager
def opened(name: str, store: Store) -> Iterator[Subject]:
    """Open the model or package `name`. Raises ConfigError if there is none, Damaged if a package
    is not as it was packed."""
    if name.startswith("model@"):
        model: Model = store.load(store.find(name))
        with graph_of(model, store) as graph:
            yield _model(model, graph, unseen_of(model, store))
        return
    if not name.startswith("package@") and not Path(name).exists():
        raise ConfigError(f"There is no model or package '{name}'.", _HOW)
    with opened_package(name, store) as folder:
        yield _package(folder)


def _model(model: Model, graph: Path, unseen: Unseen | None) -> Subject:
    return Subject(
        title=model.family,
        task=model.task,
        labels=model.labels,
        predictor=partial(predictor_of, model, graph),
        facts=facts_of(model),
        lineage=[("Model", model.ref.id), *((parent.kind, parent.id) for parent in model.parents)],
        dataset=next((parent.id for parent in model.parents if parent.kind == "dataset"), ""),
        unseen=unseen,
        other=rejected_label([step.model_dump() for step in model.after], model.labels),
    )


def _package(folder: Path) -> Subject:
    with Predictor.open(folder, untested=True) as checked:  # this measurement is a test
        description = checked.description
    parents: dict[str, str] = description.get("made_of", {})
    shown = ("task", "backend", "format", "numeric", "input_shape")
    return Subject(
        title=description.get("name", folder.name),
        task=description["task"],
        labels=tuple(description["labels"]),
        predictor=partial(predictor_in, folder, description),
        facts=[
            (key.replace("_", " "), _text(description[key])) for key in shown if key in description
        ],
        lineage=sorted(parents.items()),
        dataset=parents.get("dataset", ""),
        threshold=description.get("threshold"),
        sure=sure_of(description),
        other=rejected_label(description["after"], description["labels"]),
    )


def _text(value: Any) -> str:
    return " × ".join(map(str, value)) if isinstance(value, list) else str(value)


def learnt_from(subject: Subject, store: Store) -> frozenset[str]:
    """Digests of the samples that `subject` was trained or chosen with, if this store knows."""
    ref = Ref("dataset", subject.dataset)
    if not subject.dataset or ref not in store.refs("dataset"):
        return frozenset()
    dataset: Dataset = store.load(ref)
    return frozenset(
        sample.digest for sample in samples_of(dataset, store) if sample.split != "test"
    )
