"""Seeded changes to a training sample, applied after a named step on its way to the network."""

from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import ConfigError

Picture = NDArray[np.uint8]
Boxes = NDArray[np.float32]

NO_BOXES: Boxes = np.zeros((0, 5), np.float32)


class Scene(NamedTuple):
    """`picture`: (H, W, 3) uint8, RGB. `boxes`: (n, 5) float32, left, top, right, bottom in pixels
    of the picture, and the label's index; without rows where boxes are not what is learnt."""

    picture: Picture
    boxes: Boxes = NO_BOXES


class OnPictures:
    """What changes of pictures have in common: a Scene and a generator in, a Scene of the same size
    out, whose boxes are where their things now are."""

    modalities: ClassVar[tuple[str, ...]] = ("pictures",)
    trainers: ClassVar[tuple[str, ...]] = ("heads", "detectors")
    after: ClassVar[tuple[str, ...]] = ("decode_picture",)
    partners: ClassVar[int] = 0  # how many other scenes it wants, as a second argument


def within(part: Any, name: str, low: float, high: float) -> None:
    """Raise ConfigError unless the number `part.name` lies from `low` to `high`."""
    value = getattr(part, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise ConfigError(
            f"{type(part).__name__}: {name} is {value!r}.",
            f"Give a number from {low:g} to {high:g}.",
        )


def share(part: Any, name: str) -> None:
    """Raise ConfigError unless `part.name` lies from 0 to 1."""
    within(part, name, 0, 1)
