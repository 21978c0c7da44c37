"""Builds the Dataset and its files from validated samples."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from stages.artifacts import Dataset
from stages.config import EtlSlice
from stages.etl.manifest import NAMED, Sample, write_manifest
from stages.etl.page import page_of
from stages.etl.quarantine import table_of
from stages.etl.split import ORDER
from stages.etl.table import Line, labels_in, labels_of
from stages.etl.validation import Validated
from stages.media import Modality
from stages.store import Store


def draft_of(
    config: EtlSlice,
    revision: str,
    validated: Validated,
    modality: Modality,
    augmentations: tuple[dict[str, Any], ...],
) -> Dataset:
    """The Dataset of `validated`, without its files."""
    lines = validated.lines
    return Dataset(
        task=config.task,
        labels=tuple(labels_in(lines)),
        revision=revision,
        counts=_counts(lines),
        samples=_samples(lines),
        groups=_groups(lines),
        provided_splits=validated.provided_splits,
        facts=modality.summary(_of_train(lines), config.etl),
        augmentations=augmentations,
        views=config.etl.views if augmentations else 0,
        seed=config.etl.seed,
        findings=validated.findings,
    )


def files_of(
    draft: Dataset,
    validated: Validated,
    modality: Modality,
    store: Store,
    notes: Sequence[str] = (),
) -> dict[str, bytes]:
    """The files of `draft` by name. `notes`: how its annotations were understood."""
    return {
        "manifest.csv": write_manifest([_sample(line, modality.facts) for line in validated.lines]),
        "validation.json": validated.record,
        "quarantine.csv": table_of(validated.quarantined),
        "page.html": page_of(draft, validated, modality, store, notes).encode(),
    }


def _sample(line: Line, facts: Sequence[str]) -> Sample:
    return Sample(
        line["file"],
        line["digest"],
        line["label"],
        line["split"],
        line["key"],
        {name: line["facts"][name] for name in facts},
        line["boxes"],
        {key[6:]: value for key, value in line.items() if key.startswith("extra.")},
    )


def _counts(lines: Sequence[Line]) -> dict[str, dict[str, int]]:
    counted = Counter((line["split"], label) for line in lines for label in labels_of(line))
    return {name: {label: counted[name, label] for label in labels_in(lines)} for name in ORDER}


def _samples(lines: Sequence[Line]) -> dict[str, int]:
    counted = Counter(line["split"] for line in lines)
    return {name: counted[name] for name in ORDER}


def _groups(lines: Sequence[Line]) -> dict[str, int]:
    """Named groups by split; empty if the data names none."""
    named = {(line["split"], line["key"]) for line in lines if line["key"].startswith(NAMED)}
    counted = Counter(split for split, _ in named)
    return {name: counted[name] for name in ORDER} if named else {}


def _of_train(lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [line["facts"] for line in lines if line["split"] == "train"]
