"""Segments of time keep an order: clips whose label is which of two tones comes first."""

import io
import wave
from dataclasses import replace

import numpy as np
import pytest

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.manifest import Sample, write_manifest
from stages.resources import Resources
from stages.tracking import QuietRun
from stages.train.heads.head_fit import fit_of
from stages.train.heads.prepared import prepare
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import StandardisedFeatures
from tests.train.conftest import hyperparameters

RATE, LABELS, EACH = 16000, ("falling", "rising"), 30
INPUT = "logmel_segments@64"
CONFIG = TrainConfig(families=("logmel_segments",), folds=3, trials=1)


def clip(label: str, seed: int) -> bytes:
    """Two tones of equal length, one after the other, in some noise, as a wav."""
    rng = np.random.default_rng([seed, LABELS.index(label)])
    pitches = sorted(rng.uniform([300, 1500], [600, 3000]), reverse=label == "falling")
    time = np.arange(round(RATE * rng.uniform(0.35, 0.5))) / RATE
    tones = [np.sin(2 * np.pi * pitch * time) for pitch in pitches]
    sound = 0.3 * np.concatenate(tones)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        noisy = sound + rng.normal(0, 0.02, len(sound))
        file.writeframes((np.clip(noisy, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


@pytest.fixture(scope="module")
def problem(store, tmp_path_factory) -> Problem:
    samples = []
    for label in LABELS:
        for seed in range(EACH):
            digest = store.add(clip(label, seed))
            samples.append(Sample(f"{label}/{seed}.wav", digest, label, "train", digest))
    dataset = Dataset(
        task="sound_classification",
        labels=LABELS,
        revision="0" * 32 + ".dir",
        counts={},
        facts={"window_seconds": 1.0},
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    resources = Resources(cores=2, scratch=tmp_path_factory.mktemp("scratch"))
    return prepare(dataset, CONFIG, store=store, run=QuietRun(), resources=resources).problem


def held_out_accuracy(problem: Problem) -> float:
    """The accuracy of heads on the clips that each did not train on, after the last epoch."""
    heads = fit_of(
        problem, StandardisedFeatures(problem, INPUT), hyperparameters(input=INPUT, l2=0.003)
    )
    heads.fit(30, patience=30)
    return heads.curve[-1]["accuracy"]


def test_segments_tell_which_tone_comes_first(problem):
    assert held_out_accuracy(problem) > 0.9


def test_the_mean_over_the_whole_window_does_not(problem):
    features = problem.features[INPUT].reshape(len(problem.labels), 2, 64, 5)
    whole = features.mean(axis=3).reshape(len(problem.labels), -1)

    assert held_out_accuracy(replace(problem, features={INPUT: whole})) < 0.75
