"""Tones, buzzes and hisses: three labels that anyone can tell apart."""

from pathlib import Path

import numpy as np

from tests.sounds import hiss, saved, tone

LABELS = ("buzz", "hiss", "tone")
SECONDS = 0.6


def beep(label: str, seed: int) -> bytes:
    """A wav of one of LABELS, at a random height and loudness over a quiet hiss."""
    rng = np.random.default_rng([seed, LABELS.index(label)])
    height, loud = rng.uniform(300, 900), rng.uniform(0.2, 0.6)
    waves = {
        "tone": tone(height, SECONDS),
        "buzz": np.sign(tone(height / 4, SECONDS)),
        "hiss": hiss(SECONDS, peak=1.0, seed=seed),
    }
    return saved(loud * waves[label] + hiss(SECONDS, peak=0.01, seed=seed + 1))


def folder_of_beeps(folder: Path, each: int = 20) -> Path:
    """Class folders of `each` sounds a label."""
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for index in range(each):
            (folder / label / f"{index:03}.wav").write_bytes(beep(label, index))
    return folder
