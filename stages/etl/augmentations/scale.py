"""Zooms a picture in or out, on a grey background of the same size."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Picture, Scene, within
from stages.etl.augmentations.geometry import shifted, visible
from stages.runtime.errors import ConfigError

GREY = 128


@dataclass(frozen=True)
class Scale(OnPictures):
    """Zooms by a factor drawn log-uniformly from `smallest` to `largest`. Below 1 the picture is
    placed at random on grey, above 1 it is cropped at random. Boxes are clipped as by Crop."""

    smallest: float = 0.6
    largest: float = 1.5

    def __post_init__(self) -> None:
        within(self, "smallest", 0.1, 10)
        within(self, "largest", 0.1, 10)
        if self.smallest > self.largest:
            raise ConfigError(
                f"Scale: smallest is {self.smallest}, largest is {self.largest}.",
                "Give the smaller factor first.",
            )

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        factor = float(np.exp(rng.uniform(np.log(self.smallest), np.log(self.largest))))
        share = rng.random(2)
        height, width = scene.picture.shape[:2]
        wide, high = max(1, round(width * factor)), max(1, round(height * factor))
        left, top = round(share[0] * (width - wide)), round(share[1] * (height - high))
        boxes = shifted(scene.boxes, (wide / width, high / height), (left, top))
        return Scene(_placed(scene.picture, wide, high, left, top), visible(boxes, width, height))


def _placed(picture: Picture, wide: int, high: int, left: int, top: int) -> Picture:
    """`picture` resized to `wide` by `high` with its corner at `left`, `top`, on a grey background
    of the original size."""
    from PIL import Image

    image = Image.fromarray(picture).resize((wide, high), Image.Resampling.BILINEAR)
    ground = Image.new("RGB", picture.shape[1::-1], (GREY, GREY, GREY))
    ground.paste(image, (left, top))
    return np.array(ground)
