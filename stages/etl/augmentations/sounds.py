"""What changes of sounds have in common: a waveform [n] float32 in -1..1 and a generator in, a
waveform of the same length and range out."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]


class OnSounds:
    """Applied to the decoded waveform, whatever its length."""

    modalities: ClassVar[tuple[str, ...]] = ("sounds",)
    trainers: ClassVar[tuple[str, ...]] = ("heads",)
    after: ClassVar[tuple[str, ...]] = ("decode_sound",)


def within_full_scale(waveform: NDArray[np.floating]) -> Waveform:
    """`waveform` cut off at -1 and 1, as a recorder would."""
    return np.clip(waveform, -1, 1).astype(np.float32)
