"""Flips a picture and its boxes."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, share


@dataclass(frozen=True)
class HorizontalFlip(OnPictures):
    """Flips left to right with probability `chance`."""

    chance: float = 0.5

    def __post_init__(self) -> None:
        share(self, "chance")

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        if rng.random() >= self.chance:
            return scene
        boxes = scene.boxes.copy()
        boxes[:, [0, 2]] = scene.picture.shape[1] - scene.boxes[:, [2, 0]]
        return Scene(scene.picture[:, ::-1].copy(), boxes)


@dataclass(frozen=True)
class VerticalFlip(OnPictures):
    """Flips top to bottom with probability `chance`."""

    chance: float = 0.5

    def __post_init__(self) -> None:
        share(self, "chance")

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        if rng.random() >= self.chance:
            return scene
        boxes = scene.boxes.copy()
        boxes[:, [1, 3]] = scene.picture.shape[0] - scene.boxes[:, [3, 1]]
        return Scene(scene.picture[::-1].copy(), boxes)
