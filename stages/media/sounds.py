"""The modality sounds: a clip's facts for the manifest, spectrogram and preview with a player."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from math import log10
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Box
from stages.media import SMALL
from stages.media.drawn_sounds import fingerprint_of, heard, spectrogram_jpeg
from stages.pages import inline
from stages.runtime.resampling import resampled
from stages.runtime.sounds import Sound, decode_sound, loudest_of_cancelling, mono, read_sound

if TYPE_CHECKING:
    from stages.config import EtlConfig

RATE = 16000  # the sample rate for previews and fingerprints
HIGH_RATE = 32000  # the rate of a Dataset most of whose clips have one that is at least as high
QUIETEST = -120.0  # dB; the level of silence
FULL_SCALE = 0.9999  # from here on a sample counts as clipped; 16 bits end at 0.99997
MOST_CLIPS = 0.9  # share of the training clips that fit into a window, and have the rate
SHORTEST, LONGEST = 0.5, 5.0  # seconds of a window
BLOCK = 2**20  # frames


class Sounds:
    """Recordings in any usual format."""

    name: ClassVar[str] = "sounds"
    noun: ClassVar[str] = "clip"
    types: ClassVar[tuple[str, ...]] = ("audio/", "application/ogg")
    example: ClassVar[tuple[str, str]] = ("clip.wav", "audio/wav")
    small_suffix: ClassVar[str] = ".flac"
    libraries: ClassVar[tuple[str, ...]] = ("soundfile",)
    optional_libraries: ClassVar[Mapping[str, str]] = {}
    facts: ClassVar[tuple[str, ...]] = ("seconds", "rate", "channels")

    def decoding(self, facts: Mapping[str, float]) -> tuple[Mapping[str, Any], ...]:
        return ({"step": "decode_sound", "args": {"rate": RATE}},)

    def inspect(self, data: bytes, config: "EtlConfig") -> dict[str, Any]:
        return inspect_sound(data, config)

    def traits(self, data: bytes) -> dict[str, float]:
        sound = read_sound(data)
        frames, channels = sound.samples.shape
        levels = _levels(sound)
        return {
            "length in seconds": frames / sound.rate,
            "sampling rate": float(sound.rate),
            "channels": float(channels),
            "level in dB": levels["level"],
            "peak in dB": levels["peak"],
        }

    def summary(self, facts: Sequence[Mapping[str, Any]], config: "EtlConfig") -> dict[str, float]:
        configured = config.window_seconds
        if not facts:
            return {"window_seconds": configured} if configured else {}
        seconds = [float(clip["seconds"]) for clip in facts]
        rates = [float(clip["rate"]) for clip in facts]
        return {"window_seconds": configured or window_of(seconds), "rate": rate_of(rates)}

    def thumbnail(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> bytes:
        return spectrogram_jpeg(decode_sound(data, RATE), RATE, side)

    def preview(self, data: bytes, side: int, boxes: Sequence[Box] = ()) -> str:
        return self.drawn(decode_sound(data, RATE), side, boxes)

    def drawn(self, value: NDArray[Any], side: int, boxes: Sequence[Box] = ()) -> str:
        """The spectrogram of `value` [n] at RATE, and below it a player of its loudest seconds."""
        image = inline(
            spectrogram_jpeg(value, RATE, 2 * side)
        )  # for screens with a high resolution
        kind, played = heard(value, RATE)
        player = f'<audio controls preload="none" src="{inline(played, kind)}"></audio>'
        return f'<img src="{image}" alt="spectrogram, {len(value) / RATE:.1f} s">{player}'

    def golden(self) -> dict[str, bytes]:
        from stages.media.golden_sounds import golden_sounds

        return golden_sounds()

    def small(self, data: bytes, most_bytes: int = SMALL) -> bytes:
        from stages.media.golden_sounds import small_flac

        return small_flac(decode_sound(data, RATE), RATE, most_bytes)

    def generated(self, seed: int) -> bytes:
        from stages.media.golden_sounds import generated_sound

        return generated_sound(seed)


def inspect_sound(data: bytes, config: "EtlConfig") -> dict[str, Any]:
    """The facts of the sound in `data`: seconds, rate, channels; peak and level (mean energy) in dB
    below full scale of the one channel that a network gets; cancelling, 1 if that is the loudest
    channel, as their mean would be silent, else 0; clipped, the share of samples at full scale;
    `same` and `fingerprint`.

    `same`: a digest of the decoded samples, equal in whatever format they are stored.
    `fingerprint`: a small spectrogram, uint8 [64, 64], only with near_duplicates. Raises BadSample
    for bytes that a device could not decode."""
    sound = read_sound(data)
    frames, channels = sound.samples.shape
    same = sha256(f"{sound.rate}:{channels}:".encode())
    same.update(np.ascontiguousarray(sound.samples).data)
    facts = {
        "seconds": frames / sound.rate,
        "rate": sound.rate,
        "channels": channels,
        "cancelling": int(loudest_of_cancelling(sound.samples) is not None),
        **_levels(sound),
        "same": same.hexdigest(),
    }
    if not config.near_duplicates:
        return facts
    waveform = resampled(mono(sound.samples), sound.rate, RATE)
    return {**facts, "fingerprint": fingerprint_of(waveform, RATE)}


def window_of(seconds: Sequence[float]) -> float:
    """The length of a window into which most clips of these lengths fit, in seconds, rounded to
    tenths."""
    fitting = float(np.quantile(np.asarray(seconds), MOST_CLIPS, method="inverted_cdf"))
    return round(min(max(fitting, SHORTEST), LONGEST), 1)


def rate_of(rates: Sequence[float]) -> float:
    """The rate at which clips of these rates are compared, in frames a second: the high one if most
    have it, as those of a lower rate are silent in the bands that it adds."""
    lowest = float(np.quantile(np.asarray(rates), 1 - MOST_CLIPS, method="inverted_cdf"))
    return float(HIGH_RATE if lowest >= HIGH_RATE else RATE)


def _levels(sound: Sound) -> dict[str, float]:
    """Peak and level of the one channel that a network gets, and the clipped share of all samples,
    computed by blocks of frames: ten minutes are 230 MB, which would be copied several times."""
    waveform, clipped, energy = mono(sound.samples), 0, 0.0
    for start in range(0, len(waveform), BLOCK):
        sizes = np.abs(sound.samples[start : start + BLOCK])
        clipped += int(np.count_nonzero(sizes >= FULL_SCALE))
        energy += float(np.square(waveform[start : start + BLOCK], dtype=np.float64).sum())
    return {
        "peak": _decibels(max(float(waveform.max()), -float(waveform.min()))),
        "level": _decibels((energy / len(waveform)) ** 0.5),
        "clipped": round(clipped / sound.samples.size, 6),
    }


def _decibels(size: float) -> float:
    return round(20 * log10(max(size, 10 ** (QUIETEST / 20))), 1)
