"""Adds the noise of a small sensor in poor light."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import Picture, within


@dataclass(frozen=True)
class Noise:
    """Gaussian noise in each channel of each pixel; its deviation is drawn from 0 to `deviation`,
    in grey levels of 255."""

    deviation: float = 8.0

    def __post_init__(self) -> None:
        within(self, "deviation", 0, 128)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        strength = np.float32(rng.uniform(0, self.deviation))
        noise = strength * rng.standard_normal(picture.shape, dtype=np.float32)
        return np.clip(picture + noise + np.float32(0.5), 0, 255).astype(np.uint8)
