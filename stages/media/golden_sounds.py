"""Generated sounds for the selftest of packages.

Together they cover every branch of decoding that could differ between machines, but for OGG:
libsndfile writes a random number into each OGG file."""

import io

import numpy as np
from numpy.typing import NDArray

RATE = 16000
SECONDS = 0.5
LENGTHS = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125)  # seconds of a sample from the data, the longest first


def golden_sounds() -> dict[str, bytes]:
    """The sounds by their file names in the package; always the same bytes."""
    plain, other = _chirp(RATE), _chirp(RATE, upwards=False)
    return {
        "golden/plain.wav": _saved(plain, RATE, "WAV", "PCM_16"),
        "golden/eight_bits.wav": _saved(plain, RATE, "WAV", "PCM_U8"),
        "golden/stereo.flac": _saved(np.stack([plain, other], 1), RATE, "FLAC", "PCM_24"),
        "golden/fast.wav": _saved(_chirp(44100), 44100, "WAV", "PCM_24"),
        "golden/slow_and_long.wav": _saved(np.tile(_chirp(8000), 12), 8000, "WAV", "PCM_16"),
        "golden/short.wav": _saved(plain[:800], RATE, "WAV", "FLOAT"),
    }


def small_flac(waveform: NDArray[np.float32], rate: int, most_bytes: int) -> bytes:
    """The beginning of `waveform`, [n] at `rate`, as a FLAC file: the longest of LENGTHS that fits
    into `most_bytes`, or the shortest."""
    data = b""
    for seconds in LENGTHS:
        data = _saved(waveform[: round(seconds * rate)], rate, "FLAC", "PCM_16")
        if len(data) <= most_bytes:
            break
    return data


def generated_sound(seed: int) -> bytes:
    """A WAV file with a gliding tone with overtones and noise that swell and fade, drawn by
    `seed`."""
    rng = np.random.default_rng([seed, 5])
    times = np.arange(round(2 * SECONDS * RATE)) / RATE
    first, last = np.exp(rng.uniform(np.log(80), np.log(6000), 2))
    phase = 2 * np.pi * (first * times + (last - first) / (4 * SECONDS) * times**2)
    tone = sum(np.sin(k * phase) / k for k in range(1, int(rng.integers(2, 6))))
    share, speed = rng.uniform(0, 1), rng.uniform(0.5, 20)
    noise = rng.uniform(-1, 1, len(times))
    swelling = np.abs(np.sin(np.pi * speed * times)) ** float(rng.choice([0.0, 1.0, 8.0]))
    waveform = (share * np.asarray(tone) / 2 + (1 - share) * noise) * swelling
    return _saved(0.8 * np.clip(waveform, -1, 1), RATE, "WAV", "PCM_16")


def _chirp(rate: int, upwards: bool = True) -> NDArray[np.float64]:
    """A tone gliding from 100 to 3,500 Hz, then noise, so that every band has energy."""
    times = np.arange(round(SECONDS * rate)) / rate
    glide = 0.6 * np.sin(2 * np.pi * (100 * times + (3400 / SECONDS / 2) * times**2))
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, len(times))
    waveform = np.where(times < 0.7 * SECONDS, glide, noise)
    return waveform if upwards else waveform[::-1]


def _saved(samples: NDArray[np.floating], rate: int, format: str, subtype: str) -> bytes:
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=format, subtype=subtype)
    return _undated(out.getvalue())


def _undated(data: bytes) -> bytes:
    """`data` without the time in the PEAK chunk that libsndfile writes into a WAV: it is after the
    chunk's name, size and version, four bytes each."""
    place = data.find(b"PEAK") + 12
    return data[:place] + bytes(4) + data[place + 4 :] if place >= 12 else data
