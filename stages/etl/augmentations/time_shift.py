"""Shifts a sound in time, as if the recorder had been started earlier or later."""

from dataclasses import dataclass

import numpy as np

from stages.etl.augmentations import share
from stages.etl.augmentations.sounds import OnSounds, Waveform


@dataclass(frozen=True)
class TimeShift(OnSounds):
    """Shifts by up to `most` of the length in either direction, and fills with silence: wrapped
    around, the end of a sound would come before its beginning."""

    most: float = 0.2

    def __post_init__(self) -> None:
        share(self, "most")

    def __call__(self, waveform: Waveform, rng: np.random.Generator) -> Waveform:
        length = len(waveform)
        offset = round(float(rng.uniform(-self.most, self.most)) * length)
        moved = np.zeros(length, np.float32)
        if offset >= 0:
            moved[offset:] = waveform[: length - offset]
        else:
            moved[:offset] = waveform[-offset:]
        return moved
