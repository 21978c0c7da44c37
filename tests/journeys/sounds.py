"""Tones, buzzes and noises: three labels that anyone can tell apart."""

import io
from pathlib import Path

import numpy as np

RATE = 16_000
LABELS = ("buzz", "hiss", "tone")


def sound(label: str, seed: int, seconds: float = 0.6) -> bytes:
    """A wav of one of LABELS, at a random height and loudness."""
    import soundfile

    rng = np.random.default_rng([seed, LABELS.index(label)])
    time = np.arange(int(seconds * RATE)) / RATE
    height = rng.uniform(300, 900)
    match label:
        case "tone":
            wave = np.sin(2 * np.pi * height * time)
        case "buzz":
            wave = np.sign(np.sin(2 * np.pi * height / 4 * time))
        case _:
            wave = rng.standard_normal(len(time)) / 3
    out = io.BytesIO()
    loud = rng.uniform(0.2, 0.6)
    quiet = 0.005 * rng.standard_normal(len(time))
    soundfile.write(out, loud * wave + quiet, RATE, format="WAV", subtype="PCM_16")
    return out.getvalue()


def folder_of_sounds(folder: Path, each: int = 20) -> Path:
    """Class folders of `each` sounds a label."""
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for index in range(each):
            (folder / label / f"{index:03}.wav").write_bytes(sound(label, index))
    return folder
