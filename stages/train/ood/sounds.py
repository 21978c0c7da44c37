"""Generates sounds without any of a person's labels, by kind: each a WAV file, equal for an equal
random generator. A wave is [frames], float64.

Rain sounds like noise, and still like rain when it is played backwards or in pieces. So recordings
are only used for what no ear would recognise; a negative that still sounds like a label does little
harm, as the threshold may reject next to no recording of a label."""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.runtime.sounds import mono, read_sound

KINDS = (
    *("tones", "grains", "noise", "sweeps", "layers"),
    *("clicks", "silence", "slowed", "beeps", "hum"),
)
MAX_SECONDS = 10.0  # of a negative
MIN_PEAK = 0.125  # of the amplitude of a negative that is not next to silent
Wave = NDArray[np.float64]
Rng = np.random.Generator


class Clips:
    """Gives training clips, whose files `fetch` returns, all with as many `frames` as the negative:
    those of the first clip, at most MAX_SECONDS. `rate`: frames a second."""

    def __init__(self, rng: Rng, fetch: Callable[[], bytes]) -> None:
        self.rng = rng
        self.fetch = fetch
        first = read_sound(fetch())
        self.rate = first.rate
        self.frames = max(256, min(len(first.samples), int(MAX_SECONDS * first.rate)))

    @property
    def times(self) -> Wave:
        """The time of each frame in seconds, [frames]."""
        return np.arange(self.frames) / self.rate

    def __call__(self) -> Wave:
        """Another clip, as long, from a random position on."""
        clip = mono(read_sound(self.fetch()).samples).astype(np.float64)
        return np.resize(np.roll(clip, int(self.rng.integers(len(clip)))), self.frames)


def negative(kind: str, rng: Rng, fetch: Callable[[], bytes]) -> bytes:
    """A WAV file of a negative of `kind`. `fetch` returns the file of a random training clip,
    another at each call."""
    import soundfile

    clips = Clips(rng, fetch)
    out = io.BytesIO()
    wave = _with_random_loudness(MAKERS[kind](rng, clips), rng)
    soundfile.write(out, wave, clips.rate, format="WAV", subtype="PCM_16")
    return out.getvalue()


def tones(rng: Rng, clips: Clips) -> Wave:
    """A few steady tones with overtones that beat against each other."""
    total = np.zeros(clips.frames)
    for _ in range(int(rng.integers(1, 5))):
        base, wobble = 80 * 2 ** rng.uniform(0, 5), rng.uniform(0, 0.02)
        bent = clips.times + wobble * np.sin(2 * np.pi * rng.uniform(0.5, 7) * clips.times) / 10
        over = range(1, int(rng.integers(2, 7)))
        total += sum(np.sin(2 * np.pi * base * k * bent) / k ** rng.uniform(0.5, 2) for k in over)
    return total


def noise(rng: Rng, clips: Clips) -> Wave:
    """Noise of any colour, swelling at any rate."""
    exponent, frequency = rng.uniform(-0.5, 2), rng.uniform(0.05, 4)
    swell = 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * frequency * clips.times + rng.uniform(0, 6))
    return coloured(rng, clips.frames, exponent) * swell


def sweeps(rng: Rng, clips: Clips) -> Wave:
    """Glides up and down between two pitches."""
    frequency = rng.uniform(0.1, 3)
    run = np.abs((clips.times * frequency + rng.uniform()) % 2 - 1)
    low, high = np.sort(60 * 2 ** rng.uniform(0, 6.5, 2))
    pitch = low * (high / low) ** run
    return np.sin(2 * np.pi * np.cumsum(pitch) / clips.rate)


def clicks(rng: Rng, clips: Clips) -> Wave:
    """Clicks, regular or not, each ringing a little, over faint noise."""
    count = max(1, int(len(clips.times) / clips.rate * 2 ** rng.uniform(0, 5)))
    even = rng.random() < 0.5
    positions = np.linspace(0, 1, count, endpoint=False) if even else rng.random(count)
    impulses = np.zeros(clips.frames)
    impulses[(positions * clips.frames).astype(int)] = rng.uniform(0.3, 1, count)
    ring = np.arange(int(0.05 * clips.rate)) / clips.rate
    impulse_response = np.sin(2 * np.pi * rng.uniform(200, 5000) * ring) * np.exp(
        -ring * rng.uniform(60, 900)
    )
    return filtered(impulses, impulse_response) + 0.003 * coloured(rng, clips.frames, 0.5)


def silence(rng: Rng, clips: Clips) -> Wave:
    """Next to nothing: the faint noise of a microphone."""
    return 10 ** rng.uniform(-5, -2.5) * coloured(rng, clips.frames, rng.uniform(0, 1.5))


def hum(rng: Rng, clips: Clips) -> Wave:
    """Mains hum and its overtones, with hiss."""
    base = rng.choice([50.0, 60.0, 100.0, 120.0])
    total = 0.05 * coloured(rng, clips.frames, 0.3)
    for k in range(1, int(rng.integers(3, 20))):
        total += rng.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * clips.times)
    return total


def beeps(rng: Rng, clips: Clips) -> Wave:
    """Short tones of random pitch, one after the other."""
    length = max(64, int(rng.uniform(0.05, 0.4) * clips.rate))
    steps = -(-clips.frames // length)
    pitch = np.repeat(200 * 2 ** rng.uniform(0, 4, steps), length)[: clips.frames]
    audible = np.repeat(rng.random(steps) < 0.7, length)[: clips.frames]
    return np.sin(2 * np.pi * np.cumsum(pitch) / clips.rate) * audible


def grains(rng: Rng, clips: Clips) -> Wave:
    """Grains of a fiftieth of a second of several clips, in no order."""
    sources = np.stack([_normalised(clips()) for _ in range(6)])
    length = max(16, int(rng.uniform(0.015, 0.04) * clips.rate))
    count = -(-clips.frames // length)
    starts = rng.integers(0, max(1, clips.frames - length), count)
    rows = rng.integers(len(sources), size=count)
    fade = np.hanning(length)
    grain_waves = [sources[row, at : at + length] for row, at in zip(rows, starts, strict=True)]
    return np.concatenate([np.resize(grain, length) * fade for grain in grain_waves])[
        : clips.frames
    ]


def layers(rng: Rng, clips: Clips) -> Wave:
    """Eight clips over each other, half of them backwards: a crowd."""
    clips_of_layers = [_normalised(clips())[:: rng.choice([1, -1])] for _ in range(8)]
    return np.asarray(np.sum(clips_of_layers, axis=0), np.float64)


def slowed(rng: Rng, clips: Clips) -> Wave:
    """A clip five to ten times too slow or too fast, backwards."""
    speed = rng.uniform(5, 10) ** rng.choice([1, -1])
    clip = clips()[::-1]
    positions = (np.arange(clips.frames) * speed) % (clips.frames - 1)
    return np.asarray(np.interp(positions, np.arange(clips.frames), clip), np.float64)


MAKERS: dict[str, Callable[[Rng, Clips], Wave]] = {
    "tones": tones,
    "grains": grains,
    "noise": noise,
    "sweeps": sweeps,
    "layers": layers,
    "clicks": clicks,
    "silence": silence,
    "slowed": slowed,
    "beeps": beeps,
    "hum": hum,
}


def coloured(rng: Rng, frames: int, exponent: float) -> Wave:
    """Noise of standard deviation 1 whose amplitude falls as the frequency to the power of minus
    `exponent`."""
    frequency = np.fft.rfftfreq(frames)
    frequency[0] = 1.0
    spectrum = np.fft.rfft(rng.normal(size=frames)) / frequency**exponent
    spectrum[0] = 0
    wave = np.fft.irfft(spectrum, frames)
    return np.asarray(wave / (wave.std() or 1.0), np.float64)


def filtered(wave: Wave, impulse_response: Wave) -> Wave:
    """`wave` convolved with `impulse_response`; as long as `wave`."""
    size = len(wave) + len(impulse_response)
    convolved = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(impulse_response, size), size)
    return np.asarray(convolved[: len(wave)], np.float64)


def _normalised(wave: Wave) -> Wave:
    return wave / (wave.std() or 1.0)


def _with_random_loudness(wave: Wave, rng: Rng) -> Wave:
    """`wave` scaled to a random peak amplitude from MIN_PEAK to nearly 1; one that is next to
    silent stays as it is."""
    peak = float(np.abs(wave).max()) or 1.0
    return wave if peak < MIN_PEAK else wave / peak * rng.uniform(MIN_PEAK, 1.0) * 0.99
