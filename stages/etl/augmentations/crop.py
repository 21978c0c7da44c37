"""Cuts a part out of a picture and brings it back to the picture's size."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import Picture, within


@dataclass(frozen=True)
class Crop:
    """Keeps from `smallest` to 1 of each side, anywhere; the proportions stay."""

    smallest: float = 0.8

    def __post_init__(self) -> None:
        within(self, "smallest", 0.05, 1)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        from PIL import Image

        height, width = picture.shape[:2]
        kept = float(rng.uniform(self.smallest, 1))
        left, top = rng.random(2) * (1 - kept) * (width, height)
        box = (float(left), float(top), float(left + kept * width), float(top + kept * height))
        image = Image.fromarray(picture)
        return np.array(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
