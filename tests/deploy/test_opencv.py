"""OpenCV DNN as the engine of a package, from the ladder to the packed folder's own answers."""

import json
import subprocess
import sys

import numpy as np
import pytest

from stages.config import DeployConfig
from stages.deploy.device.untrained_network import packed, windows_of
from stages.deploy.device.untrained_weights import NetworkSpec
from stages.deploy.engines import check_engine
from stages.deploy.pack import unpack
from stages.deploy.packed import self_test
from stages.etl.manifest import samples_of
from stages.models.export import child_environment
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.backends.opencv import OpenCv
from stages.runtime.errors import BackendMissing, ConfigError, InfrastructureError
from stages.runtime.predictor import Predictor
from stages.train.search.search_space import Input
from tests import makers
from tests.deploy.conftest import shapes

# The runtime of a package, with no engine but its own to be found.
ALONE = """
import sys
sys.modules["onnxruntime"] = None
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from shapes_sdk.predictor import Predictor
with Predictor.open(Path(sys.argv[1])) as predictor:
    print(predictor.predict(Path(sys.argv[2]).read_bytes())["labels"][0]["label"])
"""
EMPTY = """
import sys
from pathlib import Path
import numpy as np
from stages.runtime.backends.opencv import OpenCv
backend = OpenCv(Path(sys.argv[1]))
backend.run({backend.inputs[0]: np.zeros((0, 3, 32, 32), np.float32)})
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return shapes(tmp_path_factory.getbasetemp() / "shapes")


@pytest.fixture(scope="module")
def shipped(trained):
    return trained.deploy(engine="opencv")


@pytest.fixture(scope="module")
def folder(trained, shipped, tmp_path_factory):
    return unpack(shipped, trained.store, tmp_path_factory.mktemp("opencv") / "package")


def test_the_ladder_passes_int8_over_and_ships_the_next(shipped):
    int8, float16 = shipped.rungs

    assert (shipped.format, shipped.backend, shipped.numeric) == ("onnx", "opencv", "float16")
    assert int8["why"].startswith("opencv does not run int8: OpenCV 5.0 cannot load")
    assert float16["kept"]
    assert shipped.overall["accuracy"].value > 0.7


@pytest.mark.parametrize("shape", [(1, 6, 32, 32), (3, 32, 32)])
def test_an_input_of_another_shape_is_refused_and_the_right_one_is_said(folder, shape):
    backend = OpenCv(folder / "model.onnx")

    with pytest.raises(InfrastructureError, match=r"is of \(any, 3, any, any\)"):
        backend.run({backend.inputs[0]: np.zeros(shape, np.float32)})


def test_the_package_answers_as_was_measured_and_as_in_onnx_runtime(trained, shipped, folder):
    tested = samples_of(trained.dataset, trained.store, "test")
    samples = [trained.store.get(sample.digest) for sample in tested]
    truth = np.array([trained.dataset.labels.index(sample.label) for sample in tested])

    with Predictor.open(folder) as predictor:
        scores = np.array(predictor.answers(samples))
        model = folder / predictor.description["model"]
        other = Predictor({**predictor.description, "backend": "onnxruntime"}, model)

    accuracy = float(np.mean(np.argmax(scores, axis=1) == truth))
    assert accuracy == shipped.overall["accuracy"].value
    np.testing.assert_allclose(scores, other.answers(samples), atol=1e-5)


def test_the_package_needs_opencv_and_no_other_engine(trained, folder, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(
        trained.store.get(samples_of(trained.dataset, trained.store, "test")[0].digest)
    )

    self_test(folder, "shapes_sdk")
    command = [sys.executable, "-c", ALONE, str(folder), str(photo)]
    answered = subprocess.run(command, capture_output=True, text=True, check=True)

    assert answered.stdout.strip() in trained.dataset.labels
    assert not list(folder.rglob("onnxruntime.py"))
    requirements = (folder / "requirements.txt").read_text()
    assert "opencv-python-headless==" in requirements
    assert "onnxruntime" not in requirements
    requires = json.loads((folder / "package.json").read_text())["requires"]
    assert requires["opencv-python-headless"] == "5.0.0.93"


def test_a_network_of_two_outputs_is_shipped_as_well(detecting):
    package = detecting.deploy(engine="opencv", ladder=("float32",), max_drop=0.05)

    assert (package.backend, package.numeric) == ("opencv", "float32")
    assert package.overall["ap50"].value > 0.4


@pytest.mark.slow
def test_published_weights_answer_as_in_onnx_runtime(tmp_path):
    family = Input("efficientnet_lite0", 224)
    labels = {"task": "image_classification", "labels": 7, "hidden": 64, "folds": 3}
    request = NetworkSpec(**labels, ladder=("float16",), engine="opencv")

    packed_network = packed(family, request, makers.store(tmp_path), makers.resources(tmp_path))

    assert packed_network.numeric == "float16", packed_network.why
    path = tmp_path / "model.onnx"
    path.write_bytes(packed_network.network["model.onnx"])
    opencv, onnxruntime = OpenCv(path), OnnxRuntime(path)
    assert (opencv.inputs, opencv.outputs) == (onnxruntime.inputs, onnxruntime.outputs)
    inputs = {opencv.inputs[0]: windows_of(family, request.task)}
    (found,), (expected,) = opencv.run(inputs).values(), onnxruntime.run(inputs).values()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_answers_do_not_depend_on_batch_or_threads(trained, folder):
    windows = np.random.default_rng(0).standard_normal((5, *trained.model.input_shape))
    windows = windows.astype(np.float32)

    def answers(backend, batch):
        (output,) = backend.run({backend.inputs[0]: batch}).values()
        return output

    first = OpenCv(folder / "model.onnx")
    whole = answers(first, windows)
    alone = [answers(first, windows[k : k + 1]) for k in range(len(windows))]
    np.testing.assert_array_equal(np.concatenate(alone), whole)
    second = OpenCv(folder / "model.onnx", threads=2)
    np.testing.assert_array_equal(answers(second, windows), whole)
    OpenCv(folder / "model.onnx")  # back to one thread
    np.testing.assert_array_equal(answers(first, windows), whole)


@pytest.mark.parametrize("name", ["another", ""])
def test_an_input_of_another_name_is_told(trained, folder, name):
    backend = OpenCv(folder / "model.onnx")
    window = np.zeros((1, *trained.model.input_shape), np.float32)

    with pytest.raises(InfrastructureError, match=r"cannot run on .*the inputs are image"):
        backend.run({name: window} if name else {})


def test_no_windows_are_told_and_do_not_end_the_process(folder):
    command = [sys.executable, "-c", EMPTY, str(folder / "model.onnx")]

    ended = subprocess.run(command, env=child_environment(), capture_output=True, text=True)

    assert ended.returncode == 1  # not by a signal
    assert "OpenCV cannot run on {'image': (0, 3, 32, 32)}: an input is empty" in ended.stderr


def test_a_build_before_version_5_is_told(monkeypatch, folder):
    import cv2

    monkeypatch.delattr(cv2.dnn, "ENGINE_NEW")

    with pytest.raises(BackendMissing, match="needs version 5") as caught:
        OpenCv(folder / "model.onnx")

    assert caught.value.remedy == "Run: pip install 'opencv-python-headless>=5.0.0.93'"


def test_a_ladder_of_int8_alone_is_told_before_anything_is_done():
    with pytest.raises(ConfigError, match="opencv runs none of int8") as caught:
        check_engine(DeployConfig(engine="opencv", ladder=("int8",)))

    assert caught.value.remedy == "Name some of: int8_weight_only, float16, float32."
