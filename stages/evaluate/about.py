"""Facts for a report: which model was measured, on which data, and where both come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stages.artifacts import Dataset, Model
from stages.evaluate import formatting
from stages.evaluate.predictions import Predicted

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class About:
    """Facts about model and data as (name, value). `counts`: labels by split. `noun`: what a sample
    is called."""

    title: str
    subject: str
    noun: str
    model: list[tuple[str, str]]
    data: list[tuple[str, str]]
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    samples: dict[str, int] = field(default_factory=dict)  # by split
    quarantined: list[tuple[str, str]] = field(default_factory=list)  # not used
    lineage: list[tuple[str, str]] = field(default_factory=list)
    search: str = ""  # the section on all trials, as HTML
    packed: bool = False  # it can be deployed: measurements of its packages go first

    @property
    def splits(self) -> list[str]:
        """The splits that have samples, in their usual order."""
        return [split for split in SPLITS if split in self.counts]


def about_model(model: Model, dataset: Dataset, predicted: Predicted, search: str = "") -> About:
    """A trained model on the test split of its dataset; `search`: the section on its trials."""
    tested = formatting.counted(len(predicted.names), f"test {predicted.noun}")
    return About(
        title=formatting.listed(model.labels, "label"),
        subject=f"{model.family}, {tested}, {dataset.revision[:12]}",
        noun=predicted.noun,
        model=facts_of(model),
        data=_data(dataset, predicted.noun),
        counts=dataset.counts,
        samples=dataset.samples,
        lineage=[("Model", model.ref.id), ("Dataset", dataset.ref.id)]
        + [(name, digest) for name, digest in sorted(model.weights.items())],
        search=search,
        packed=True,
    )


def facts_of(model: Model) -> list[tuple[str, str]]:
    """The facts about `model` that a report shows, as (name, value)."""
    size = " × ".join(str(side) for side in model.input_shape)
    return [
        ("Task", model.task.replace("_", " ")),
        ("Family", model.family),
        ("Input", size),
        *_as_text(model.hyperparameters),
        *((f"Selection: {name}", value) for name, value in _as_text(_plain(model.selection))),
    ]


def _data(dataset: Dataset, noun: str) -> list[tuple[str, str]]:
    named = [name for item in dataset.augmentations for name in item]
    found = [f"{finding.message} ({finding.severity})" for finding in dataset.findings]
    return [
        ("Revision", dataset.revision),
        ("Augmentations", ", ".join(named) or "none"),
        (f"Augmented copies of a training {noun}", str(dataset.views)),
        ("Seed", str(dataset.seed)),
        *_splits(dataset),
        ("Findings", "; ".join(found) or "none"),
    ]


def _splits(dataset: Dataset) -> list[tuple[str, str]]:
    """Which splits were given, and how many named groups are in each."""
    groups = ", ".join(f"{dataset.groups.get(split, 0)} in {split}" for split in SPLITS)
    return [
        ("Splits given with the data", ", ".join(dataset.provided_splits) or "none"),
        ("Groups", groups if dataset.groups else "none are named"),
    ]


def _plain(selection: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of `selection` that no section of its own shows."""
    shown_elsewhere = ("finalists", "held_out_by_label", "judged", "few", "distillation", "pruning")
    return {name: value for name, value in selection.items() if name not in shown_elsewhere}


def _as_text(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _value(value)) for name, value in sorted(facts.items())]


def _value(value: Any) -> str:
    match value:
        case float():
            return f"{value:.4g}"
        case dict():
            return ", ".join(f"{key}: {_value(inner)}" for key, inner in sorted(value.items()))
        case list() | tuple():
            return ", ".join(_value(element) for element in value)
    return str(value)
