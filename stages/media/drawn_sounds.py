"""Shows a waveform on a page, as a spectrogram and a player; its fingerprint for duplicates."""

import io
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stages.media.pictures import small_jpeg
from stages.runtime.spectrograms import log_mel
from stages.runtime.windows import resized, scaled

Waveform = NDArray[np.float32]

FINGERPRINT_SIDE = 64
SPAN = 80.0  # dB from the darkest to the brightest
FINGERPRINT_SPAN = 50.0  # dB; below it MP3 and OGG omit what is inaudible
PLAYED = 3.0  # seconds, so that a page with hundreds of clips has a few megabytes
SPECTROGRAM = {"window": 1024, "hop": 160, "bands": 96, "low": 50.0}


def spectrogram_jpeg(waveform: Waveform, rate: int, side: int) -> bytes:
    """The log-mel spectrogram of `waveform` [n] as a coloured JPEG, `side` pixels wide and two
    thirds as high; time runs to the right, frequency upwards."""
    levels = log_mel(waveform, rate, high=rate / 2, **SPECTROGRAM)  # type: ignore[arg-type]
    shares = _sized(scaled(levels[::-1], SPAN), side, max(1, side * 2 // 3))
    return small_jpeg(colours()[np.rint(255 * shares).astype(np.uint8)], side)


def fingerprint_of(waveform: Waveform, rate: int) -> NDArray[np.uint8]:
    """A small grey spectrogram of `waveform` [n], independent of length and level: uint8
    [64, 64]."""
    levels = log_mel(
        waveform, rate, window=512, hop=160, bands=FINGERPRINT_SIDE, low=50, high=rate / 2
    )
    shares = _sized(scaled(levels, FINGERPRINT_SPAN), FINGERPRINT_SIDE, FINGERPRINT_SIDE)
    return np.rint(255 * shares).astype(np.uint8)


def heard(waveform: Waveform, rate: int) -> tuple[str, bytes]:
    """The content type and bytes of a file with the loudest PLAYED seconds of `waveform` [n]: MP3
    if libsndfile can write it (from 1.1), else WAV. Equal waveforms give equal bytes."""
    import soundfile

    part = np.clip(_loudest(waveform, round(PLAYED * rate)), -1, 1)
    out = io.BytesIO()
    kind, format = ("mpeg", "MP3") if "MP3" in soundfile.available_formats() else ("wav", "WAV")
    soundfile.write(out, part, rate, format=format)
    return f"audio/{kind}", out.getvalue()


def _loudest(waveform: Waveform, length: int) -> Waveform:
    if len(waveform) <= length:
        return waveform
    sums = np.concatenate([[0.0], np.cumsum(np.square(waveform, dtype=np.float64))])
    start = int(np.argmax(sums[length:] - sums[:-length]))
    return waveform[start : start + length]


def _sized(shares: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    return np.clip(resized(resized(shares, width).T, height).T, 0, 1)


@lru_cache(maxsize=1)
def colours() -> NDArray[np.uint8]:
    """256 colours of evenly rising lightness, from black over violet and orange to pale yellow:
    sRGB [256, 3]. Lightness and hue are linear in OKLCH (B. Ottosson, A perceptual color space for
    image processing, 2020)."""
    share = np.linspace(0, 1, 256)
    light = 0.05 + 0.92 * share
    hue = np.radians(-80 + 190 * share)  # blue, violet, red, orange, yellow
    chroma = 0.17 * np.sin(np.pi * share) ** 0.8
    return _srgb(light, chroma * np.cos(hue), chroma * np.sin(hue))


def _srgb(
    light: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """OKLab to sRGB; colours outside of sRGB are clipped."""
    long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = np.stack(
        [
            4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
        ],
        axis=1,
    ).clip(0, 1)
    curved = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    return np.asarray(np.rint(255 * curved), np.uint8)
