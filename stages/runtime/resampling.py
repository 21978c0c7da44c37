"""Resamples a waveform: band-limited, in one thread, with reproducible results."""

from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

ZEROS = 32  # zero crossings of the sinc on either side
CUTOFF = 0.92  # of half the lower rate: -6 dB there, flat up to 0.84, silent from 1 on
BETA = 8.0  # Kaiser window: aliases are 80 dB lower
MOST_WEIGHTS = 1_000_000  # of all phases; for 383,999 to 16,000 there would be 27 million


def resampled(waveform: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    """`waveform` [n] at `rate` frames a second as [ceil(n * wanted / rate)] at `wanted`.

    A windowed sinc in polyphase form (Crochiere and Rabiner 1983, Multirate Digital Signal
    Processing; window of Kaiser 1974). Beyond its ends the waveform is taken as silent. The ratio
    of rates with hardly a common divisor, as 44,101 and 16,000, is approximated."""
    if rate == wanted:
        return waveform
    up, down = _ratio(rate, wanted)
    length = -(-len(waveform) * wanted // rate)
    rounds = -(-length // up)
    filters = _filters(up, down)
    taps = filters.shape[1]
    before = taps // 2 - 1
    padded = np.zeros(max(rounds * down + down + taps, before + len(waveform)), np.float32)
    padded[before : before + len(waveform)] = waveform
    out = np.empty((rounds, up), np.float32)
    for phase in range(up):
        start = phase * down // up
        frames = np.lib.stride_tricks.sliding_window_view(padded[start:], taps)[::down][:rounds]
        # einsum, as a BLAS sums in an order that depends on its threads
        np.einsum("qk,k->q", frames, filters[phase], out=out[:, phase])
    return out.reshape(-1)[:length]


def _ratio(rate: int, wanted: int) -> tuple[int, int]:
    """Two whole numbers with the ratio `wanted` to `rate`; approximately, if the first number, that
    of phases, would need more than MOST_WEIGHTS filter weights."""
    exact = Fraction(rate, wanted)
    near = exact.limit_denominator(max(1, MOST_WEIGHTS // (2 * _half(exact))))
    return near.denominator, near.numerator


def _half(ratio: Fraction) -> int:
    """Filter taps on either side of an output, for `ratio` inputs per output."""
    return int(np.ceil(ZEROS / _scale(ratio)))


def _scale(ratio: Fraction) -> float:
    return CUTOFF * min(1.0, ratio.denominator / ratio.numerator)


@lru_cache(maxsize=8)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """Filter weights [up, taps]: row p is for outputs at phase p / up between two inputs."""
    ratio = Fraction(down, up)
    scale, half = _scale(ratio), _half(ratio)
    phases = np.arange(up)[:, None] * down % up / up
    times = np.arange(1 - half, half + 1)[None, :] - phases
    reach = np.clip(times / half, -1, 1)
    window = np.i0(BETA * np.sqrt(1 - reach**2)) / np.i0(BETA)
    kernel = scale * np.sinc(scale * times) * window
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True), np.float32)
