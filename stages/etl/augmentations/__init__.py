"""Augmentations: seeded changes to a training sample, applied after a named preprocessing step."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import ConfigError

Picture = NDArray[np.uint8]
Boxes = NDArray[np.float32]

NO_BOXES: Boxes = np.zeros((0, 5), np.float32)


class Scene(NamedTuple):
    """`picture`: uint8 [H, W, 3], RGB. `boxes`: float32 [n, 5], left, top, right, bottom in pixels
    of the picture, and the label's index; without rows in tasks without boxes."""

    picture: Picture
    boxes: Boxes = NO_BOXES


class OnPictures:
    """The base of augmentations of pictures: they take a Scene and a random generator, and return a
    Scene of the same size, with the boxes moved along."""

    modalities: ClassVar[tuple[str, ...]] = ("pictures",)
    trainers: ClassVar[tuple[str, ...]] = ("heads", "detectors")
    after: ClassVar[tuple[str, ...]] = ("decode_picture",)
    partners: ClassVar[int] = 0  # how many other scenes it takes, as its second argument


def within(part: Any, name: str, low: float, high: float) -> None:
    """Raise ConfigError unless `part.name` is a number from `low` to `high`."""
    value = getattr(part, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise ConfigError(
            f"{type(part).__name__}: {name} is {value!r}.",
            f"Give a number from {low:g} to {high:g}.",
        )


def share(part: Any, name: str) -> None:
    """Raise ConfigError unless `part.name` is a number from 0 to 1."""
    within(part, name, 0, 1)
