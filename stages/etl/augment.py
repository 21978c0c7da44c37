"""Augmented views of a training sample: view 0 is the picture, view k one seeded change of it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from stages.artifacts import Dataset, canonical
from stages.etl.augmentations import Picture
from stages.parts import AUGMENTATIONS
from stages.runtime.errors import ConfigError
from stages.runtime.registry import nearest

Change: TypeAlias = Callable[[Picture, np.random.Generator], Picture]


def augmented(picture: Picture, dataset: Dataset, sample_digest: str, view: int) -> Picture:
    """View `view` of `picture` (H, W, 3 uint8): equal for equal seed, sample digest and view.

    `dataset.augmentations` are applied in their order. Meant for the train split only."""
    if view == 0:
        return picture
    rng = np.random.default_rng([dataset.seed, int(sample_digest, 16), view])
    for change in _built(canonical(list(dataset.augmentations))):
        picture = change(picture, rng)
    return picture


def resolved(
    augmentations: Sequence[Mapping[str, Mapping[str, Any]]],
) -> tuple[dict[str, Any], ...]:
    """`augmentations` with every argument spelt out, so that a later default changes nothing.

    Raises ConfigError for an argument that there is not, or a value out of range."""
    return tuple(
        {name: asdict(_build(name, arguments))}
        for entry in augmentations
        for name, arguments in entry.items()
    )


@lru_cache(maxsize=64)
def _built(augmentations: bytes) -> tuple[Change, ...]:
    entries = json.loads(augmentations)
    return tuple(_build(name, one) for entry in entries for name, one in entry.items())


def _build(name: str, arguments: Mapping[str, Any]) -> Any:
    part = AUGMENTATIONS[name]
    known = [field.name for field in fields(part)]
    for argument in arguments:
        if argument not in known:
            raise ConfigError(
                f"Augmentation '{name}' has no argument '{argument}'.",
                f"{nearest(argument, known)}There are: {', '.join(known)}.",
            )
    return part(**arguments)
