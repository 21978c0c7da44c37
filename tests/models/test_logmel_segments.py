"""The statistics of segments: they are those of numpy, keep the order, and are exported as any
backbone."""

from pathlib import Path

import numpy as np
import pytest

from stages.artifacts import Dataset
from stages.models.export import export_network
from stages.parts import FAMILIES, TASKS
from stages.runtime import steps

FAMILY = FAMILIES["logmel_segments"]
LABELS = 3


def statistics(sounds: np.ndarray) -> np.ndarray:
    """Mean and deviation of each band in five equal segments, as numpy has them."""
    parts = sounds[:, 0].reshape(len(sounds), 64, 5, -1)
    both = np.concatenate([parts.mean(axis=3), parts.std(axis=3)], axis=1)
    return both.reshape(len(sounds), -1)


def levels(frames: int) -> np.ndarray:
    """Two spectrograms in decibels."""
    return np.random.default_rng(0).uniform(-100, 0, (2, 1, 64, frames)).astype(np.float32)


@pytest.mark.parametrize("frames", [5, 55, 250])
def test_a_segment_has_the_mean_and_the_deviation_of_each_band(frames: int):
    import paddle

    sounds = levels(frames)

    found = FAMILY.backbone()(paddle.to_tensor(sounds)).numpy()

    assert found.shape == (2, FAMILY.features)
    np.testing.assert_allclose(found, statistics(sounds), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("head", [True, False])
def test_its_onnx_file_takes_any_number_of_frames_that_the_segments_divide(
    head: bool, tmp_path: Path
):
    import onnxruntime

    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(FAMILY.features, LABELS)).astype(np.float32)
    weights = {"head.out.weight": matrix, "head.out.bias": np.ones(LABELS, np.float32)}

    files = export_network("logmel_segments", weights if head else {}, tmp_path, ("onnx",))

    session = onnxruntime.InferenceSession(str(files["graph.onnx"]))
    for frames in (5, 120):
        features = statistics(levels(frames))
        expected = features @ matrix + 1 if head else features
        (found,) = session.run(None, {"sound": levels(frames)})
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_it_has_nothing_to_load_and_nothing_to_train_but_a_head():
    assert FAMILY.load() == {}
    assert not FAMILY.backbone().state_dict()
    assert not FAMILY.frozen
    assert not FAMILY.from_scratch
    assert not FAMILY.split_points


@pytest.mark.parametrize("seconds", [0.5, 0.7, 1.0, 4.9])
def test_its_windows_are_cut_into_whole_segments(seconds: float):
    dataset = Dataset(
        task="sound_classification",
        labels=(),
        revision="",
        counts={},
        facts={"window_seconds": seconds},
    )
    before = TASKS["sound_classification"]().before(FAMILY, FAMILY.size, dataset)

    (windows,) = [step.args for step in before if step.step == "windows"]

    steps.check([step.model_dump() for step in before])
    assert windows["frames"] % 5 == 0
    assert 0 <= windows["frames"] - (1 + round(seconds / 0.02)) < 5
