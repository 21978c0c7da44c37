"""Log-mel spectrograms and MFCC of waveforms, in plain numpy."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .declaring import declare
from .errors import ConfigError
from .rules import FLAG, NOTHING, choice, either, number, whole

Float32 = NDArray[np.float32]
Scale = Literal["slaney", "htk"]
Log = Literal["decibel", "natural"]

BREAK_HZ, HZ_A_MEL = 1000.0, 200.0 / 3  # Slaney's scale: linear below, logarithmic above
LOG_STEP = np.log(6.4) / 27
MOST_FRAMES = 2000  # a second
MOST_OVERLAP = 64  # frames that overlap at any moment


def _fit(args: Mapping[str, Any]) -> None:
    """Raise ConfigError for arguments of log_mel or mfcc that contradict each other, or for which
    the spectrogram would be many times as large as the waveform."""
    names = ("rate", "window", "hop", "bands", "low", "high")
    rate, window, hop, bands, low, high = (args[name] for name in names)
    fft = window if args.get("fft") is None else args["fft"]
    _check(rate, window, hop, fft, bands, low, high)
    if rate > MOST_FRAMES * hop or fft > MOST_OVERLAP * hop:
        raise ConfigError(
            f"log_mel: a window of {fft} that moves on by {hop} at {rate} frames a second.",
            f"Give a hop of at least {max(rate // MOST_FRAMES, fft // MOST_OVERLAP) + 1}.",
        )
    if not args.get("count", 1) <= bands:
        raise ConfigError(
            f"mfcc: count is {args['count']}.", f"Give a number from 1 to bands, {bands}."
        )


@declare(
    "waveform",
    "spectrogram",
    joint_check=_fit,
    rate=whole(1000, 96_000),
    window=whole(2, 16_384),
    hop=whole(1, 16_384),
    bands=whole(1, 1024),
    low=number(0, 48_000),
    high=number(0, 48_000),
    fft=either(whole(2, 16_384), NOTHING),
    power=number(0.1, 8),
    scale=choice("slaney", "htk"),
    norm=FLAG,
    centre=FLAG,
    log=choice("decibel", "natural"),
    floor=number(1e-30, 1e6),
)
def log_mel(
    waveform: Float32,
    rate: int,
    window: int,
    hop: int,
    bands: int,
    low: float,
    high: float,
    fft: int | None = None,
    power: float = 2.0,
    scale: Scale = "slaney",
    norm: bool = True,
    centre: bool = True,
    log: Log = "decibel",
    floor: float = 1e-10,
) -> Float32:
    """The log-mel spectrogram of `waveform` [n]: [bands, frames] float32.

    `rate`: frames of the waveform a second; `window`, `hop`, `fft`: its Hann window, how far it
    moves on, and the length of the Fourier transform (the window's if not given), in frames of the
    waveform; `bands`: triangular filters from `low` to `high` Hz, evenly apart on the mel `scale`,
    each of area 1 with `norm`, else of height 1. `power` 2 is energy, 1 magnitude. With `centre`
    frame k has its middle at k * `hop` (the ends are mirrored), else it begins there. `log`:
    decibel is 10 log10(max(mel, `floor`)), natural is ln(mel + `floor`).

    With its defaults it is paddle.audio's LogMelSpectrogram (and librosa's), within 1e-3 dB for
    all above -80 dB; with window=400, hop=160, fft=512, bands=64, low=125, high=7500, power=1,
    scale="htk", norm=False, centre=False, log="natural", floor=0.001 at 16 kHz it is YAMNet's
    (Hershey et al. 2017, CNN Architectures for Large-Scale Audio Classification)."""
    size = window if fft is None else fft
    _check(rate, window, hop, size, bands, low, high)
    spectrum = _spectrum(waveform, window, hop, size, power, centre)
    mel = _mel(spectrum, rate, size, bands, low, high, scale, norm)
    if log == "natural":
        return np.asarray(np.log(mel + np.float32(floor)), np.float32)
    return np.asarray(10 * np.log10(np.maximum(mel, np.float32(floor))), np.float32)


@declare("waveform", "spectrogram", joint_check=_fit, like=log_mel, count=whole(1, 1024))
def mfcc(waveform: Float32, count: int, rate: int, bands: int, **options: object) -> Float32:
    """The first `count` mel-frequency cepstral coefficients, [count, frames] float32: the cosine
    transform (DCT-II, orthonormal) of `log_mel`, whose arguments the others are (Davis and
    Mermelstein 1980). With their defaults it is paddle.audio's MFCC."""
    if not 0 < count <= bands:
        raise ConfigError(f"mfcc: count is {count}.", f"Give a number from 1 to bands, {bands}.")
    mel = log_mel(waveform, rate=rate, bands=bands, **options)  # type: ignore[arg-type]
    return np.asarray(np.einsum("cb,bf->cf", _cosines(count, bands), mel), np.float32)


def _check(rate: int, window: int, hop: int, fft: int, bands: int, low: float, high: float) -> None:
    if not hop > 0 or not 1 < window <= fft:
        raise ConfigError(
            f"log_mel: window is {window}, hop {hop}, fft {fft}.",
            "Give 0 < hop and 1 < window <= fft, in frames of the waveform.",
        )
    if not (0 <= low < high <= rate / 2 and bands > 0):
        raise ConfigError(
            f"log_mel: {bands} bands from {low} to {high} Hz at {rate} frames a second.",
            "Give 0 <= low < high <= rate / 2 and at least one band.",
        )


def _spectrum(
    waveform: Float32, window: int, hop: int, fft: int, power: float, centre: bool
) -> Float32:
    """|STFT| to the `power`: [frames, fft // 2 + 1]."""
    frames = np.lib.stride_tricks.sliding_window_view(_padded(waveform, window, centre), window)
    windowed = frames[::hop] * hann(window)
    bins = np.fft.rfft(windowed, fft)
    energy = np.square(bins.real) + np.square(bins.imag)
    spectrum = energy if power == 2 else energy ** (power / 2)
    return np.asarray(spectrum, np.float32)


def _padded(waveform: Float32, window: int, centre: bool) -> Float32:
    if centre:
        return np.pad(waveform, (window // 2, window - window // 2), mode="reflect")
    return np.pad(waveform, (0, max(0, window - len(waveform))))


@lru_cache(maxsize=8)
def hann(window: int) -> Float32:
    turns = np.arange(window) / window
    return (0.5 - 0.5 * np.cos(2 * np.pi * turns)).astype(np.float32)


def _mel(
    spectrum: Float32,
    rate: int,
    fft: int,
    bands: int,
    low: float,
    high: float,
    scale: Scale,
    norm: bool,
) -> Float32:
    mel = np.zeros((bands, len(spectrum)), np.float32)
    for band, (start, weights) in enumerate(mel_filters(rate, fft, bands, low, high, scale, norm)):
        heard = spectrum[:, start : start + len(weights)]
        np.einsum("fk,k->f", heard, weights, out=mel[band])  # no BLAS: the same for any threads
    return mel


@lru_cache(maxsize=8)
def mel_filters(
    rate: int, fft: int, bands: int, low: float, high: float, scale: Scale, norm: bool
) -> tuple[tuple[int, Float32], ...]:
    """For each band its first bin and the weights of the bins from there on."""
    edges = _mel_edges(bands, low, high, scale)
    bins = np.arange(fft // 2 + 1) * rate / fft
    filters = []
    for lower, middle, upper in zip(edges, edges[1:], edges[2:], strict=False):
        rising, falling = (bins - lower) / (middle - lower), (upper - bins) / (upper - middle)
        weights = np.maximum(0, np.minimum(rising, falling)) * (2 / (upper - lower) if norm else 1)
        inside = np.flatnonzero(weights)
        first, last = (inside[0], inside[-1] + 1) if len(inside) else (0, 0)
        filters.append((int(first), weights[first:last].astype(np.float32)))
    return tuple(filters)


def _mel_edges(bands: int, low: float, high: float, scale: Scale) -> NDArray[np.float64]:
    """bands + 2 frequencies in Hz, evenly apart on the mel scale."""
    if scale == "htk":
        first, last = (2595 * float(np.log10(1 + hz / 700)) for hz in (low, high))
        return np.asarray(700 * (10 ** (np.linspace(first, last, bands + 2) / 2595) - 1))
    mels = np.linspace(_slaney(low), _slaney(high), bands + 2)
    above = BREAK_HZ * np.exp(LOG_STEP * (mels - BREAK_HZ / HZ_A_MEL))
    return np.where(mels * HZ_A_MEL < BREAK_HZ, mels * HZ_A_MEL, above)


def _slaney(hz: float) -> float:
    if hz < BREAK_HZ:
        return hz / HZ_A_MEL
    return float(BREAK_HZ / HZ_A_MEL + np.log(hz / BREAK_HZ) / LOG_STEP)


@lru_cache(maxsize=8)
def _cosines(count: int, bands: int) -> Float32:
    turns = np.pi / bands * (np.arange(bands) + 0.5) * np.arange(count)[:, None]
    rows = np.cos(turns) * np.sqrt(2 / bands)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)
