"""Adds Gaussian noise, as of a small sensor in poor light."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import OnPictures, Scene, within


@dataclass(frozen=True)
class Noise(OnPictures):
    """Adds Gaussian noise to each channel of each pixel. Its standard deviation is drawn from 0 to
    `deviation`, in levels of 0 to 255."""

    deviation: float = 8.0

    def __post_init__(self) -> None:
        within(self, "deviation", 0, 128)

    def __call__(self, scene: Scene, rng: np.random.Generator) -> Scene:
        strength = np.float32(rng.uniform(0, self.deviation))
        noise = strength * rng.standard_normal(scene.picture.shape, dtype=np.float32)
        noisy = np.clip(scene.picture + noise + np.float32(0.5), 0, 255)
        return scene._replace(picture=noisy.astype(np.uint8))
