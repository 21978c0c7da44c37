"""Brings a waveform to another sample rate: band-limited, in one thread, the same each time."""

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

ZEROS = 32  # zero crossings of the sinc on either side
CUTOFF = 0.92  # of the lower rate's half: -6 dB there, flat up to 0.84, silent from 1 on
BETA = 8.0  # Kaiser window: 80 dB of what would fold back is gone


def resampled(waveform: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """`waveform` [n] at `rate` frames a second as [ceil(n * wanted / rate)] at `wanted`.

    A windowed sinc in polyphase form (Crochiere and Rabiner 1983, Multirate Digital Signal
    Processing; window of Kaiser 1974); beyond its ends the waveform is silent."""
    if rate == wanted:
        return waveform
    common = gcd(rate, wanted)
    up, down = wanted // common, rate // common
    length = -(-len(waveform) * up // down)
    rounds = -(-length // up)
    filters = _filters(up, down)
    taps = filters.shape[1]
    padded = np.zeros(rounds * down + down + taps, np.float32)
    padded[taps // 2 - 1 : taps // 2 - 1 + len(waveform)] = waveform
    out = np.empty((rounds, up), np.float32)
    for phase in range(up):
        start = phase * down // up
        frames = np.lib.stride_tricks.sliding_window_view(padded[start:], taps)[::down][:rounds]
        # einsum, as a BLAS sums in an order that depends on its threads
        np.einsum("qk,k->q", frames, filters[phase], out=out[:, phase])
    return out.reshape(-1)[:length]


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """[up, taps]: what the samples around an output at phase p / up are multiplied with."""
    scale = CUTOFF * min(1.0, up / down)
    half = int(np.ceil(ZEROS / scale))
    phases = np.arange(up)[:, None] * down % up / up
    times = np.arange(1 - half, half + 1)[None, :] - phases
    reach = np.clip(times / half, -1, 1)
    window = np.i0(BETA * np.sqrt(1 - reach**2)) / np.i0(BETA)
    kernel = scale * np.sinc(scale * times) * window
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)
