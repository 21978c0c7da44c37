"""Sounds that a small network can learn: three kinds of tone in noise, short and long."""

import io
import wave

import numpy as np

from stages.artifacts import Dataset
from stages.etl.manifest import Sample, write_manifest
from stages.store import Store

RATE = 8000
MEL = {"rate": RATE, "window": 256, "hop": 100, "bands": 32, "low": 50, "high": 4000}
HERTZ = {"beep": 1800, "hum": 150, "whistle": 3200}
SPLITS = ("train", "train", "train", "validation", "test")


def sound(label: str, seed: int) -> bytes:
    """A WAV file of 0.3 to 1.8 seconds: the tone of `label`, a little off, in noise."""
    rng = np.random.default_rng([seed, list(HERTZ).index(label)])
    time = np.arange(int(RATE * rng.uniform(0.3, 1.8))) / RATE
    tone = np.sin(2 * np.pi * HERTZ[label] * rng.uniform(0.9, 1.1) * time) * rng.uniform(0.1, 0.4)
    samples = tone + rng.normal(0, 0.05, len(time))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def sounds_dataset(store: Store, each: int = 50) -> Dataset:
    """A saved Dataset of tones: 60 % train, 20 % validation, 20 % test."""
    samples = [_sample(store, label, index, each) for label in HERTZ for index in range(each)]
    dataset = Dataset(
        task="sound_classification",
        labels=tuple(HERTZ),
        revision="2" * 32 + ".dir",
        counts={split: dict.fromkeys(HERTZ, SPLITS.count(split) * each // 5) for split in SPLITS},
        samples={split: 3 * SPLITS.count(split) * each // 5 for split in SPLITS},
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    store.save(dataset)
    return dataset


def _sample(store: Store, label: str, index: int, each: int) -> Sample:
    digest = store.add(sound(label, index))
    return Sample(f"{label}/{index:03}.wav", digest, label, SPLITS[index * 5 // each], digest)
