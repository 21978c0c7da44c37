"""The steps in C prepare a sample as the runtime's do."""

import numpy as np
import pytest

from stages.deploy.c_source import builds
from stages.deploy.c_source.builds import SAMPLE, GoldenSample, run_samples, samples_file
from stages.deploy.c_source.library import c_library
from stages.deploy.packed import write_folder
from stages.runtime import steps
from stages.runtime.errors import ConfigError
from stages.runtime.sounds import decode_sound
from tests.deploy.c_source.compiling import STRICT, needs_compiler
from tests.runtime.conftest import DESCRIPTION
from tests.runtime.networks import TONES, network, tones_network, tune

# width, height; Pillow filters columns first where the second is reduced by more than twice the
# first's reduction
SIZES = ((40, 30), (9, 23), (200, 17), (12, 10), (5, 3), (17, 90), (30, 201), (11, 400))


def flattening(count: int, shape) -> bytes:
    """A network that answers its input."""
    from onnx import helper

    nodes = [helper.make_node("Flatten", ["image"], ["numbers"])]
    return network(nodes, ["n", *shape], {"numbers": ["n", count]}, {})


def prepared_in_c(description, shape, samples, folder) -> np.ndarray:
    """The network's input for each decoded sample."""
    count = int(np.prod(shape))
    labels = [f"n{place}" for place in range(count)]
    description = {**description, "labels": labels, "input_shape": list(shape)}
    model = {"model.onnx": flattening(count, shape)}
    write_folder(folder, c_library(description, model).files)
    nothing = np.zeros(count, np.float32)
    packed = samples_file([GoldenSample(SAMPLE, sample, nothing) for sample in samples], 1.0)
    return run_samples(builds.host_build(folder, folder, STRICT), packed, folder)


@needs_compiler
@pytest.mark.parametrize("fit", ["stretch", "crop", "letterbox"])
def test_a_picture_becomes_the_same_numbers(fit, tmp_path):
    rng = np.random.default_rng(0)
    shape = (3, 10, 12)
    before = [
        {"step": "decode_picture", "args": {}},
        {"step": "resize", "args": {"size": [10, 12], "fit": fit, "fill": 77}},
        {"step": "normalise", "args": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}},
        {"step": "to_channels_first", "args": {}},
    ]
    pictures = [rng.integers(0, 256, (high, wide, 3), dtype=np.uint8) for wide, high in SIZES]

    found = prepared_in_c({**DESCRIPTION, "before": before, "after": []}, shape, pictures, tmp_path)

    for picture, numbers in zip(pictures, found, strict=True):
        expected = steps.run(before[1:], picture).reshape(-1)
        assert np.abs(numbers - expected).max() < 1e-5, picture.shape


@needs_compiler
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"centre": False, "log": "natural", "floor": 0.001, "scale": "htk", "norm": False,
         "power": 1.0, "window": 200, "fft": 256, "low": 125},
    ],
)  # fmt: skip
def test_a_sound_becomes_the_same_windows(options, tmp_path):
    decoding, mel, segments = TONES["before"]
    before = [
        decoding,
        {"step": "log_mel", "args": {**mel["args"], **options}},
        {"step": "windows", "args": {**segments["args"], "overlap": 0.5, "silence": -42.0}},
    ]
    after = [{"step": "mean_of_windows", "args": {}}]
    rate = decoding["args"]["rate"]
    sounds = [tune(440, 1700, seconds=seconds) for seconds in (0.2, 0.55, 2.03)]

    found = prepared_in_c(
        {**TONES, "before": before, "after": after},
        TONES["input_shape"],
        [decode_sound(sound, rate) for sound in sounds],
        tmp_path,
    )

    for sound, numbers in zip(sounds, found, strict=True):
        windows = steps.prepared(before, sound).windows
        expected = windows.mean(axis=0).reshape(-1)
        assert np.abs(numbers - expected).max() < 0.02  # of some 100 decibel
        assert np.mean(np.abs(numbers - expected)) < 2e-3


@needs_compiler
def test_scores_follow_the_steps_after_the_network(tmp_path):
    after = [
        {"step": "reject", "args": {"other": 0, "threshold": 0.25}},
        {"step": "mean_of_windows", "args": {}},
        {"step": "softmax", "args": {}},
    ]
    description = {**TONES, "after": after}
    sound = tune(300, 2500)
    (tmp_path / "model.onnx").write_bytes(tones_network())
    write_folder(tmp_path, c_library(description, {"model.onnx": tones_network()}).files)
    from stages.runtime.predictor import Predictor

    expected = Predictor(description, tmp_path / "model.onnx").answers([sound])[0]
    sample = GoldenSample(SAMPLE, decode_sound(sound, 8000), np.array(expected, np.float32))

    command = builds.host_build(tmp_path, tmp_path, STRICT)
    found = run_samples(command, samples_file([sample], 1e-4), tmp_path)

    assert np.abs(found - expected).max() < 1e-4


def test_a_step_that_cannot_be_written_is_refused_by_name():
    picture = {"step": "as_picture", "args": {"size": 64, "mean": [0.5], "std": [0.5]}}

    with pytest.raises(ConfigError, match="as_picture"):
        c_library({**TONES, "before": [*TONES["before"], picture]}, {"model.onnx": tones_network()})


def test_a_transform_that_is_no_power_of_two_is_refused():
    decoding, mel, segments = TONES["before"]
    odd = {"step": "log_mel", "args": {**mel["args"], "window": 300}}

    with pytest.raises(ConfigError, match="300 samples"):
        c_library({**TONES, "before": [decoding, odd, segments]}, {"model.onnx": tones_network()})
