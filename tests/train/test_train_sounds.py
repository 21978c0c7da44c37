"""The train stage on sounds: a head on pictures of them and a network from scratch in one
search."""

import io
import json
import wave

import numpy as np
import pytest

from stages.artifacts import Dataset
from stages.config import TrainConfig, TrainSlice
from stages.etl.manifest import Sample, samples_of, write_manifest
from stages.runtime import steps as runtime
from stages.tracking import QuietRun
from stages.train import train
from stages.train.heads.network import build

PITCHES = {"high": 3000, "low": 200, "middle": 800}
RATE = 8000
CONFIG = TrainConfig(
    families=("efficientnet_lite0", "small_audio"),
    input_sizes=(64,),
    epochs=10,
    trials=4,
    batch=4,
    folds=2,
)


def clip(label: str, seed: int, seconds: float) -> bytes:
    """A tone near the label's pitch in some noise, as a wav."""
    rng = np.random.default_rng([seed, PITCHES[label]])
    time = np.arange(round(RATE * seconds)) / RATE
    tone = np.sin(2 * np.pi * PITCHES[label] * rng.uniform(0.9, 1.1) * time)
    sound = 0.3 * tone + rng.normal(0, 0.05, len(time))
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


@pytest.fixture(scope="module")
def dataset(store):
    splits = ("train", "train", "train", "validation", "test")
    samples = []
    for label in PITCHES:
        for index in range(15):
            digest = store.add(clip(label, index, 0.5 if index % 2 else 1.1))
            split = splits[index % 5]
            samples.append(Sample(f"{label}/{index}.wav", digest, label, split, digest))
    dataset = Dataset(
        task="sound_classification",
        labels=tuple(PITCHES),
        revision="0" * 32 + ".dir",
        counts={},
        facts={"window_seconds": 0.5},
        augmentations=({"gain": {"decibels": 6.0}}, {"mixup": {"alpha": 0.2}}),
        views=1,
        files={"manifest.csv": store.add(write_manifest(samples))},
    )
    store.save(dataset)
    return dataset


def trained_model(dataset, store, resources, **changes):
    config = TrainSlice(train=CONFIG.model_copy(update=changes))
    return train(dataset, config, store=store, run=QuietRun(), resources=resources)


def best_of(rows, name):
    """The best trial of those whose input is `name`."""
    return min(
        (row for row in rows if row["hyperparameters"]["input"] == name),
        key=lambda row: row["measures"]["log_loss"],
    )


def at_its_end(row) -> bool:
    """Whether the trial of `row` had all epochs, or is a logistic regression, which needs one."""
    return row["epochs"] == 10 or row["hyperparameters"].get("head") == "linear"


@pytest.mark.slow
def test_both_ways_to_learn_are_in_one_search(dataset, store, ray_running):
    model = trained_model(dataset, store, ray_running)

    rows = json.loads(store.get(model.files["trials.json"]))
    inputs = {row["hyperparameters"]["input"] for row in rows}
    assert inputs == {"efficientnet_lite0@64", "small_audio@64"}
    assert all(at_its_end(best_of(rows, name)) for name in inputs)
    assert [step.step for step in model.after] == ["mean_of_windows", "softmax"]


@pytest.mark.parametrize("family", CONFIG.families)
def test_the_network_answers_unseen_clips_of_any_number_of_windows(
    dataset, store, ray_running, family
):
    import paddle

    model = trained_model(dataset, store, ray_running, families=(family,), trials=1)
    before = [step.model_dump() for step in model.before]
    after = [step.model_dump() for step in model.after]
    network, right, lengths = build(model, store), [], set()

    for sample in samples_of(dataset, store, "test"):
        windows, facts = runtime.prepared(before, store.get(sample.digest))
        with paddle.no_grad():
            logits = network(paddle.to_tensor(windows)).numpy()
        scores = runtime.run(after, logits, facts)[0]
        right.append(dataset.labels[scores.argmax()] == sample.label)
        lengths.add(len(windows))

    assert windows.shape[1:] == model.input_shape
    assert len(lengths) > 1
    assert np.mean(right) > 0.7
