"""Per-channel energy normalisation (PCEN) of spectrograms: each band relative to its own recent
level, so that steady noise fades and onsets stand out.

Wang et al., Trainable Frontend for Robust and Far-Field Keyword Spotting, arXiv 1607.05666, with
the constants of that paper, for levels of amplitudes as 16-bit samples have them."""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

SMOOTHING = 0.025  # share of a frame in the running mean
GAIN = 0.98  # power of the running mean by which a frame is divided
OFFSET, ROOT = 2.0, 0.5  # of the compression
LEAST = 1e-6
FULL_SCALE = 2.0**15.5  # amplitude at 0 dB
QUIET, LOUD = 1.0, 99.5  # percentiles of the values that become 0 and 1


def pcen(levels: Float32) -> Float32:
    """`levels` in decibels [..., bands, frames], normalised: float32 of the same shape, without a
    unit. The running mean of a band begins at its first frame."""
    amplitudes = FULL_SCALE * 10 ** (levels.astype(np.float64) / 20)
    mean = np.empty_like(amplitudes)
    mean[..., 0] = amplitudes[..., 0]
    for frame in range(1, levels.shape[-1]):
        last = mean[..., frame - 1]
        mean[..., frame] = last + SMOOTHING * (amplitudes[..., frame] - last)
    values = (amplitudes / (LEAST + mean) ** GAIN + OFFSET) ** ROOT - OFFSET**ROOT
    return np.asarray(values, np.float32)


def normalised_energy(levels: Float32) -> Float32:
    """The `pcen` of `levels` [..., bands, frames], scaled to 0..1 from its percentile QUIET to its
    percentile LOUD; 0 if they are equal, as in silence."""
    values = pcen(levels)
    low, high = np.percentile(values, [QUIET, LOUD])
    if high - low < LEAST:
        return np.zeros_like(values)
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)
