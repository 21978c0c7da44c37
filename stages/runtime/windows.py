"""Cuts a spectrogram into windows of the network's length, and turns them into pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .declaring import declare, same_length
from .energy import normalised_energy
from .errors import BadSample, ConfigError
from .rules import FLAG, NOTHING, either, number, several, whole

Float32 = NDArray[np.float32]

MOST = 600  # windows of one sound: as pictures they take a gigabyte
MOST_SIDE = 1024  # pixels of such a picture
REST = 0.1  # of a step: a shorter rest at the end gets no window of its own


@declare(
    "spectrogram",
    "windows",
    frames=whole(1, 100_000),
    overlap=number(0, 0.99),
    hop_seconds=number(1e-5, 10),
    silence=either(number(), several(number(), 1, 1024)),
)
def windows(
    spectrogram: Float32,
    frames: int,
    overlap: float = 0.5,
    hop_seconds: float = 0.01,
    silence: float | Sequence[float] = -100.0,
    facts: dict[str, Any] | None = None,
) -> Float32:
    """`spectrogram` [bands, n] as windows of `frames` frames: [m, 1, bands, frames].

    The first window begins at the start, the last ends at the end, and all are evenly spaced and
    overlap by at least `overlap` (0..1). A rest shorter than a tenth of a step is dropped, because
    encoders append some hundredths of a second. A spectrogram shorter than a window is padded with
    `silence`, the level of each band or of all; repeating it would create rhythms, mirroring it
    false attacks.

    Writes the time of each window to `facts["windows"]`: [(start, end), ...] in seconds. Raises
    BadSample for more than MOST windows."""
    if not (frames > 0 and 0 <= overlap < 1):
        raise ConfigError(
            f"windows: frames is {frames}, overlap {overlap}.",
            "Give frames above 0 and an overlap from 0 to below 1.",
        )
    padded = _padded(spectrogram, frames, silence)
    starts = _starts(padded.shape[1], frames, max(1, round(frames * (1 - overlap))))
    _check_count(len(starts), frames * hop_seconds)
    if facts is not None:
        seconds = facts.get("seconds", spectrogram.shape[1] * hop_seconds)
        facts["windows"] = [_span(start, frames, hop_seconds, seconds) for start in starts]
    return np.stack([padded[None, :, start : start + frames] for start in starts])


def _as_many(args: Mapping[str, Any]) -> None:
    same_length(args, "mean", "std")


@declare(
    "windows",
    "windows",
    joint_check=_as_many,
    size=either(whole(1, MOST_SIDE), several(whole(1, MOST_SIDE), 2, 2)),
    mean=several(number(), 1, 16),
    std=several(number(1e-6), 1, 16),
    span=number(1e-3, 1e6),
    top=either(number(), NOTHING),
    energy=FLAG,
)
def as_picture(
    windows: Float32,
    size: int | Sequence[int],
    mean: Sequence[float],
    std: Sequence[float],
    span: float = 80.0,
    top: float | None = None,
    energy: bool = False,
) -> Float32:
    """`windows` [m, 1, bands, frames] as input of an image network: [m, 3, height, width].

    Levels from `top` - `span` to `top` (the loudest level of all windows if None) are scaled to
    0..1, with low frequencies at the bottom, and resized to `size` (a side, or height and width) by
    an antialiased bilinear filter. With `energy` they fill the upper half alone; the lower half
    shows energies relative to the recent level of their band (energy.py). All channels hold the
    same picture, normalised with the network's `mean` and `std`; time derivatives in two of the
    channels were 6 points worse on ESC-10."""
    height, width = (size, size) if isinstance(size, int) else size
    levels, upper = windows[:, 0], height // 2 if energy else height
    pictures = _upright(scaled(levels, span, top), upper, width)
    if energy:
        lower = _upright(normalised_energy(levels), height - upper, width)
        pictures = np.concatenate([pictures, lower], axis=1)
    normalised = np.empty((len(levels), len(mean), height, width), np.float32)
    for channel, (offset, scale) in enumerate(zip(mean, std, strict=True)):
        normalised[:, channel] = (pictures - np.float32(offset)) / np.float32(scale)
    return normalised


def _upright(values: Float32, height: int, width: int) -> Float32:
    """`values` [m, bands, frames] with low frequencies at the bottom, resized: [m, height,
    width]."""
    turned = resized(values[:, ::-1], width).swapaxes(-1, -2)
    return resized(turned, height).swapaxes(-1, -2)


def _check_count(count: int, seconds: float) -> None:
    if count > MOST:
        raise BadSample(
            f"The recording is too long: {count} windows of {seconds:.1f} s, at most {MOST}.",
            "Cut it into shorter ones; for training, etl.max_seconds sets such clips aside.",
        )


def _padded(spectrogram: Float32, frames: int, silence: float | Sequence[float]) -> Float32:
    missing = frames - spectrogram.shape[1]
    if missing <= 0:
        return spectrogram
    bands = spectrogram.shape[0]
    quiet = np.broadcast_to(np.asarray(silence, np.float32).reshape(-1, 1), (bands, missing))
    return np.concatenate([spectrogram, quiet], axis=1)


def _starts(total: int, frames: int, step: int) -> list[int]:
    count = max(0, int(np.ceil((total - frames) / step - REST)))
    return [int(start) for start in np.rint(np.linspace(0, total - frames, count + 1))]


def _span(start: int, frames: int, hop: float, seconds: float) -> tuple[float, float]:
    return round(start * hop, 3), round(min((start + frames) * hop, seconds), 3)


def scaled(levels: Float32, span: float, top: float | None = None) -> Float32:
    """`levels` scaled to 0..1: 1 is `top`, or the loudest level if None; 0 is `span` below it."""
    loudest = levels.max() if top is None else np.float32(top)
    if top is None and loudest == levels.min():
        return np.zeros_like(levels)  # nothing but silence
    return np.clip((levels - (loudest - np.float32(span))) / np.float32(span), 0, 1)


def resized(values: Float32, size: int) -> Float32:
    """The last axis of `values` resized to `size` by a triangle filter, as Pillow's BILINEAR."""
    length = values.shape[-1]
    if length == size:
        return values
    scale = length / size
    reach = max(1.0, scale)
    middles = (np.arange(size) + 0.5) * scale
    first = np.floor(middles - reach).astype(int)
    out = np.zeros((*values.shape[:-1], size), np.float32)
    taps = [first + k for k in range(int(np.ceil(2 * reach)) + 1)]
    weights = [np.maximum(0, 1 - np.abs(tap + 0.5 - middles) / reach) for tap in taps]
    inside = [w * ((tap >= 0) & (tap < length)) for tap, w in zip(taps, weights, strict=True)]
    total = np.sum(inside, axis=0)
    for tap, weight in zip(taps, inside, strict=True):
        share = (weight / total).astype(np.float32)
        out += values[..., np.clip(tap, 0, length - 1)] * share
    return out
