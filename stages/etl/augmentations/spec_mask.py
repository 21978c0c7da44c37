"""Masks parts of a spectrogram, so that no single band or moment decides."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.etl.augmentations import share, within
from stages.etl.augmentations.sounds import OnSounds


@dataclass(frozen=True)
class SpecMask(OnSounds):
    """SpecAugment without time warping (D. S. Park et al. 2019): fills `masks` stripes of up to
    `bands` of the bands, and as many of up to `time` of the frames, with the spectrogram's mean.
    Spectrograms are float32 [bands, frames]."""

    bands: float = 0.15
    time: float = 0.1
    masks: int = 2

    after: ClassVar[tuple[str, ...]] = ("log_mel", "mfcc")

    def __post_init__(self) -> None:
        share(self, "bands")
        share(self, "time")
        within(self, "masks", 0, 20)

    def __call__(
        self, spectrogram: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        masked, mean = spectrogram.copy(), spectrogram.mean()
        for _ in range(int(self.masks)):
            masked[_stripe(masked.shape[0], self.bands, rng)] = mean
            masked[:, _stripe(masked.shape[1], self.time, rng)] = mean
        return masked


def _stripe(length: int, most: float, rng: np.random.Generator) -> slice:
    width = int(rng.integers(0, int(most * length) + 1))
    start = int(rng.integers(0, length - width + 1))
    return slice(start, start + width)
