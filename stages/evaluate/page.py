"""The report as one page that opens anywhere: what it says, in the order it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.artifacts import Dataset, Model
from stages.config import EvaluateConfig
from stages.evaluate import drawing, words
from stages.evaluate.evaluation import Evaluation
from stages.evaluate.matrix import matrix
from stages.evaluate.mistakes import SURE, Mistake
from stages.metrics import Threshold
from stages.pages import inline, render
from stages.parts import TASKS
from stages.store import Store

_TEMPLATE = Path(__file__).parent / "report.html"
_SIDE = 168  # of a thumbnail, in pixels
_KEY = ("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1")
_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class About:
    """What was measured on what: facts as (name, value), counts by split and label, and origins."""

    title: str
    subject: str
    model: list[tuple[str, str]]
    data: list[tuple[str, str]]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    aside: list[tuple[str, str]] = field(default_factory=list)  # photos that could not be used
    lineage: list[tuple[str, str]] = field(default_factory=list)


def page(
    evaluation: Evaluation, about: About, thumbnail: Callable[[Mistake], bytes], worst: int
) -> str:
    """The page's HTML. `thumbnail` gives a mistake's picture as a JPEG, for the `worst` of them."""
    shown = [(one, inline(thumbnail(one))) for one in evaluation.mistakes[:worst]]
    lines = drawing.precision_recall(evaluation.curves)
    overall = evaluation.measured.overall
    return render(
        _TEMPLATE,
        about=about,
        evaluation=evaluation,
        words=words,
        look={"ship": "good", "do not ship": "bad"}.get(evaluation.verdict, "doubt"),
        key=[(name, overall[name]) for name in _KEY],
        labels=_weakest_first(evaluation),
        matrix=matrix(evaluation.measured),
        box=drawing,
        curves=lines,
        background=sum(not line.name for line in lines),
        by_threshold=drawing.by_threshold(evaluation.thresholds),
        rows=_rows(evaluation),
        pictures=shown,
        sure=SURE,
        splits=[split for split in _SPLITS if split in about.counts],
    )


def page_of_model(
    evaluation: Evaluation, model: Model, dataset: Dataset, config: EvaluateConfig, store: Store
) -> str:
    """The page of a Report."""
    task = TASKS[model.task]()
    tested = len(evaluation.predicted.names)
    about = About(
        title=words.listed(model.labels, "label"),
        subject=f"{model.family}, {words.counted(tested, 'test photo')}, {dataset.revision[:12]}",
        model=facts_of(model),
        data=_data(dataset),
        counts=dataset.counts,
        lineage=[("Model", model.ref.id), ("Dataset", dataset.ref.id)]
        + [(name, digest) for name, digest in sorted(model.weights.items())],
    )
    return page(
        evaluation, about, lambda one: task.thumbnail(store.get(one.file), _SIDE), config.worst
    )


def facts_of(model: Model) -> list[tuple[str, str]]:
    """What a person wants to know of a model."""
    size = " × ".join(str(side) for side in model.input_shape)
    return [
        ("Task", model.task.replace("_", " ")),
        ("Family", model.family),
        ("Input", size),
        *_told(model.hyperparameters),
        *((f"Selection: {name}", value) for name, value in _told(model.selection)),
    ]


def _data(dataset: Dataset) -> list[tuple[str, str]]:
    named = [name for item in dataset.augmentations for name in item]
    found = [f"{one.message} ({one.severity})" for one in dataset.findings]
    return [
        ("Revision", dataset.revision),
        ("Augmentations", ", ".join(named) or "none"),
        ("Augmented copies of a training photo", str(dataset.views)),
        ("Seed", str(dataset.seed)),
        ("Findings", "; ".join(found) or "none"),
    ]


def _told(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _value(value)) for name, value in sorted(facts.items())]


def _value(value: Any) -> str:
    match value:
        case float():
            return f"{value:.4g}"
        case dict():
            return ", ".join(f"{key}: {_value(inner)}" for key, inner in sorted(value.items()))
        case list() | tuple():
            return ", ".join(_value(one) for one in value)
    return str(value)


def _weakest_first(evaluation: Evaluation) -> list[tuple[str, dict[str, Any]]]:
    """The labels by recall; those without a test photo last."""
    each = evaluation.measured.labels.items()
    return sorted(
        each, key=lambda pair: (pair[1]["recall"].n == 0, pair[1]["recall"].value, pair[0])
    )


def _rows(evaluation: Evaluation) -> list[Threshold]:
    """Every tenth that changes something, and the recommended threshold."""
    kept: list[Threshold] = []
    for place, row in enumerate(evaluation.thresholds):
        chosen = row.threshold == evaluation.threshold
        new = not kept or row.precision.n < kept[-1].precision.n
        if chosen or (place % 10 == 0 and new and row.precision.n):
            kept.append(row)
    return kept
