"""Mirrors a picture."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import Picture, share


@dataclass(frozen=True)
class HorizontalFlip:
    """Mirrors left to right. `chance`: how often, from 0 to 1."""

    chance: float = 0.5

    def __post_init__(self) -> None:
        share(self, "chance")

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        return picture[:, ::-1].copy() if rng.random() < self.chance else picture


@dataclass(frozen=True)
class VerticalFlip:
    """Mirrors top to bottom. `chance`: how often, from 0 to 1."""

    chance: float = 0.5

    def __post_init__(self) -> None:
        share(self, "chance")

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        return picture[::-1].copy() if rng.random() < self.chance else picture
