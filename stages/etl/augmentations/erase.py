"""Covers a random rectangle of a picture (Zhong et al., Random Erasing Data Augmentation, 2020,
arXiv 1708.04896)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within

SMALLEST = 0.02  # of the picture's area
LONGEST = 3.0  # a rectangle's longer side over its shorter one


@dataclass(frozen=True)
class Erase(OnPictures):
    """Covers a rectangle of at most `largest` of the picture's area with the picture's mean colour,
    with a chance of `chance`: the network must not rely on one part alone. Not for boxes, whose
    object it could hide."""

    trainers: ClassVar[tuple[str, ...]] = ("heads",)
    largest: float = 0.2
    chance: float = 0.5

    def __post_init__(self) -> None:
        within(self, "largest", SMALLEST, 0.9)
        within(self, "chance", 0, 1)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        area, stretch, left, top, drawn = rng.random(5)
        if drawn >= self.chance:
            return scene
        height, width = scene.picture.shape[:2]
        covered = (SMALLEST + area * (self.largest - SMALLEST)) * height * width
        proportion = LONGEST ** (2 * stretch - 1)
        tall = min(height, max(1, round((covered * proportion) ** 0.5)))
        wide = min(width, max(1, round((covered / proportion) ** 0.5)))
        top, left = int(top * (height - tall + 1)), int(left * (width - wide + 1))
        picture = scene.picture.copy()
        picture[top : top + tall, left : left + wide] = scene.picture.mean(axis=(0, 1)).round()
        return scene._replace(picture=picture)
