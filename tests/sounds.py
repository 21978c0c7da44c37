"""Sounds for tests: made, never fetched."""

import io

import numpy as np
from numpy.typing import NDArray


def tone(
    hertz: float = 440, seconds: float = 1.0, rate: int = 16000, peak: float = 0.5
) -> NDArray[np.float32]:
    """A sine, [n] float32."""
    times = np.arange(round(seconds * rate)) / rate
    return (peak * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def hiss(seconds: float = 1.0, rate: int = 16000, peak: float = 0.1, seed: int = 0):
    """White noise, [n] float32."""
    drawn = np.random.default_rng(seed).uniform(-peak, peak, round(seconds * rate))
    return drawn.astype(np.float32)


def saved(samples: NDArray[np.floating], rate: int = 16000, format: str = "WAV", subtype=None):
    """`samples` [n] or [n, channels] as a file's bytes."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=format, subtype=subtype)
    return out.getvalue()
