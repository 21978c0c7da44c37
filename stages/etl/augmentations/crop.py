"""Crops a picture and resizes the part to the picture's size."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within
from stages.etl.augmentations.geometry import shifted, visible


@dataclass(frozen=True)
class Crop(OnPictures):
    """Crops a random part whose sides are `smallest` to 1 times those of the picture, with the same
    proportions. Boxes are clipped; a box of which less than a third stays visible is dropped."""

    smallest: float = 0.8

    def __post_init__(self) -> None:
        within(self, "smallest", 0.05, 1)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        from PIL import Image

        height, width = scene.picture.shape[:2]
        scale = float(rng.uniform(self.smallest, 1))
        left, top = (rng.random(2) * (1 - scale) * (width, height)).tolist()
        box = (left, top, left + scale * width, top + scale * height)
        image = Image.fromarray(scene.picture)
        picture = np.array(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
        boxes = shifted(scene.boxes, (1 / scale, 1 / scale), (-left / scale, -top / scale))
        return Scene(picture, visible(boxes, width, height))
