"""Changes light and colour as another camera or hour of the day would."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Picture, Scene, share

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True)
class Colour(OnPictures):
    """Multiplies brightness, contrast and saturation, each by 1 plus or minus up to its share."""

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast", "saturation"):
            share(self, name)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        most = np.array([self.brightness, self.contrast, self.saturation], np.float32)
        light, contrast, saturation = 1 + most * rng.uniform(-1, 1, 3).astype(np.float32)
        values = scene.picture.astype(np.float32) * light
        grey = (values @ LUMA)[..., None]
        values = grey + saturation * (values - grey)
        middle = grey.mean()
        out: Picture = np.clip(middle + contrast * (values - middle) + 0.5, 0, 255).astype(np.uint8)
        return scene._replace(picture=out)
