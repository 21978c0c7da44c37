"""Augmented views of a training sample: view 0 is the sample, view k one seeded change of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Box, Dataset, canonical
from stages.etl.augmentations import NO_BOXES, Boxes, Scene
from stages.parts import AUGMENTATIONS
from stages.runtime import steps as runtime
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest


class AugmentedView(NamedTuple):
    """A view of a sample as the network's input: its windows [m, ...], the facts that the steps
    noted, and its boxes, float32 [n, 5]: left, top, right, bottom in pixels of a picture of
    facts["width"] by facts["height"], and the label's index."""

    windows: NDArray[Any]
    facts: dict[str, Any]
    boxes: Boxes


def view_of(
    steps: Sequence[Mapping[str, Any]],
    data: bytes,
    dataset: Dataset,
    digest: str,
    view: int,
    boxes: Boxes = NO_BOXES,
) -> AugmentedView:
    """Make view number `view` of the sample in `data` with the preprocessing `steps`. Equal seed,
    digest and view give an equal result.

    Each of `dataset.augmentations` is applied, in order, to the output of the step that it is for;
    view 0 is not augmented. Only for the train split."""
    rng = np.random.default_rng([dataset.seed, int(digest, 16), view])
    facts: dict[str, Any] = {}
    value: Any = data
    for step in steps:
        value = runtime.run([step], value, facts)
        for change in changes_of(dataset, step["step"]) if view else ():
            if "pictures" in change.modalities:
                value, boxes = change(Scene(value, boxes), rng)
            else:
                value = change(value, rng)
    return AugmentedView(runtime.as_windows(value, facts), facts, boxes)


def changes_of(dataset: Dataset, after: str) -> tuple[Any, ...]:
    """The `dataset.augmentations` that are applied to the output of the step `after`, as objects;
    with "batch" those that a trainer applies to its batches."""
    every = _built(canonical(list(dataset.augmentations)))
    return tuple(change for change in every if after in change.after)


def boxes_of(boxes: Sequence[Box], labels: Sequence[str]) -> Boxes:
    """`boxes` as float32 [n, 5]: left, top, right, bottom and the index in `labels`."""
    rows = [(*box[1:], labels.index(box.label)) for box in boxes]
    return np.array(rows, np.float32).reshape(-1, 5)


def resolve_augmentations(
    augmentations: Sequence[Mapping[str, Mapping[str, Any]]],
    modality: str = "",
    trainer: str = "",
    key: str = "etl.augmentations",
) -> tuple[dict[str, Any], ...]:
    """`augmentations` with every argument written out, so that a changed default has no effect.

    Raises ConfigError, naming `key`, for an unknown argument, a value out of range, or an
    augmentation that is not for this `modality` or `trainer`."""
    named = [(name, arguments) for entry in augmentations for name, arguments in entry.items()]
    for name, _ in named:
        for kind, wanted in (("modalities", modality), ("trainers", trainer)):
            _check_for(name, kind, wanted, key)
    return tuple({name: asdict(_build(name, arguments))} for name, arguments in named)


def _check_for(name: str, kind: str, wanted: str, key: str) -> None:
    allowed = getattr(AUGMENTATIONS[name], kind)
    if wanted and wanted not in allowed:
        fitting = [
            augmentation
            for augmentation in AUGMENTATIONS
            if wanted in getattr(AUGMENTATIONS[augmentation], kind)
        ]
        raise ConfigError(
            f"{key}: '{name}' is for {' and '.join(allowed)}, not for {wanted}.",
            f"Remove it. There are: {', '.join(fitting)}.",
        )


@lru_cache(maxsize=64)
def _built(augmentations: bytes) -> tuple[Any, ...]:
    entries = json.loads(augmentations)
    return tuple(_build(name, arguments) for entry in entries for name, arguments in entry.items())


def _build(name: str, arguments: Mapping[str, Any]) -> Any:
    part = AUGMENTATIONS[name]
    allowed = [field.name for field in fields(part)]
    for argument in arguments:
        if argument not in allowed:
            raise ConfigError(
                f"Augmentation '{name}' has no argument '{argument}'.",
                f"{nearest(argument, allowed)}There are: {', '.join(allowed)}.",
            )
    return part(**arguments)
