"""Adds noise behind a sound, as a room, a street or a poor microphone would."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.etl.augmentations import within
from stages.etl.augmentations.sounds import OnSounds, Waveform, within_full_scale
from stages.runtime.errors import ConfigError


@dataclass(frozen=True)
class BackgroundNoise(OnSounds):
    """Adds noise at a signal-to-noise ratio from `lowest` to `highest` dB relative to the sound's
    mean energy; at random white (a poor microphone) or pink (rooms, wind, traffic). Silence stays
    silent."""

    lowest: float = 10.0
    highest: float = 40.0

    def __post_init__(self) -> None:
        within(self, "lowest", -20, 100)
        within(self, "highest", -20, 100)
        if self.lowest > self.highest:
            raise ConfigError(
                f"BackgroundNoise: lowest is {self.lowest:g}, highest {self.highest:g} dB.",
                "Give a lowest that is not above the highest.",
            )

    def __call__(self, waveform: Waveform, rng: np.random.Generator) -> Waveform:
        ratio = rng.uniform(self.lowest, self.highest)
        noise = _noise(len(waveform), rng, pink=rng.random() < 0.5)
        energy = np.mean(np.square(waveform, dtype=np.float64))
        strength = np.sqrt(
            energy / max(float(np.mean(np.square(noise))), 1e-30) / 10 ** (ratio / 10)
        )
        return within_full_scale(waveform + strength * noise)


def _noise(length: int, rng: np.random.Generator, pink: bool) -> NDArray[np.float64]:
    """White noise, or pink noise, whose energy falls by 3 dB per octave."""
    white = rng.standard_normal(length)
    if not pink or length < 2:
        return white
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, length)
