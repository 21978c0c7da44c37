"""Makes a sound louder or softer, as another distance or microphone would."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import within
from stages.etl.augmentations.sounds import OnSounds, Waveform, within_full_scale


@dataclass(frozen=True)
class Gain(OnSounds):
    """Changes the level by up to `decibels` in either direction; clipped at full scale."""

    decibels: float = 6.0

    def __post_init__(self) -> None:
        within(self, "decibels", 0, 60)

    def __call__(self, waveform: Waveform, rng: np.random.Generator) -> Waveform:
        change = rng.uniform(-self.decibels, self.decibels)
        return within_full_scale(waveform * np.float32(10 ** (change / 20)))
