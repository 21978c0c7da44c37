"""The base of augmentations of sounds: they take a waveform, float32 [n] from -1 to 1, and a random
generator, and return a waveform of the same length and range."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]


class OnSounds:
    """Applied to the decoded waveform, of any length."""

    modalities: ClassVar[tuple[str, ...]] = ("sounds",)
    trainers: ClassVar[tuple[str, ...]] = ("heads",)
    after: ClassVar[tuple[str, ...]] = ("decode_sound",)


def within_full_scale(waveform: NDArray[np.floating]) -> Waveform:
    """`waveform` clipped at -1 and 1, as by a recorder."""
    return np.clip(waveform, -1, 1).astype(np.float32)
