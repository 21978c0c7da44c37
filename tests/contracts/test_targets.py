"""What every target promises. A new one is tested here the day it is on the board."""

import json
import re

import numpy as np
import onnx
import pytest

from stages.deploy.content import Content, spelled
from stages.deploy.packed import write_folder
from stages.media.golden_pictures import golden_pictures
from stages.parts import ENGINES, TARGETS
from stages.runtime.errors import AgreementNotMet, ConfigError
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from tests.compilers import cannot_compile, cannot_compile_for_java
from tests.engines import converted, marked
from tests.runtime.conftest import DESCRIPTION, colour_network
from tests.runtime.painting import plain, saved

OF_ENGINES = [name for name in TARGETS if name in ENGINES]
EACH = [name for name in TARGETS if name not in ENGINES] + marked(OF_ENGINES)
COMPILED = {"executable": cannot_compile(), "android": cannot_compile_for_java()}
WINDOWS = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)


@pytest.fixture
def content(request, tmp_path_factory):
    """A small network in the format of the engine that the target, the test's `name`, packs for."""
    network, changes = {"model.onnx": colour_network()}, {}
    if _of_engine(request):
        engine = ENGINES[request.node.callspec.params["name"]]
        model = means_of_colours()
        path = converted(engine.name, model, tmp_path_factory.mktemp("network"), WINDOWS)
        network = {name: (path.parent / name).read_bytes() for name in engine.files}
        changes = {"backend": engine.backend, "format": engine.format, "model": engine.files[0]}
    return Content("colours", {**DESCRIPTION, **changes}, network, golden_pictures())


def means_of_colours() -> onnx.ModelProto:
    """As `colour_network`, of layers that every engine has."""
    nodes = [
        onnx.helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        onnx.helper.make_node("Flatten", ["mean"], ["flat"]),
        onnx.helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
    ]
    kind = onnx.TensorProto.FLOAT
    image = onnx.helper.make_tensor_value_info("image", kind, ["n", 3, 8, 8])
    logits = onnx.helper.make_tensor_value_info("logits", kind, ["n", 3])
    constants = [
        onnx.numpy_helper.from_array(8 * np.eye(3, dtype=np.float32), "weights"),
        onnx.numpy_helper.from_array(np.zeros(3, np.float32), "bias"),
    ]
    graph = onnx.helper.make_graph(nodes, "colours", [image], [logits], constants)
    opset = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)


def _of_engine(request):
    """Whether the test is about a target that packs for one engine."""
    return hasattr(request.node, "callspec") and request.node.callspec.params["name"] in ENGINES


@pytest.mark.parametrize("name", EACH)
def test_it_lays_out_a_package_that_answers(name, content, tmp_path):
    files = TARGETS[name]().files(content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    with Predictor.open(tmp_path) as predictor:
        answer = predictor.predict(saved(plain((0, 255, 0))))

    assert answer["labels"][0]["label"] == "green"


@pytest.mark.parametrize("name", EACH)
def test_it_answers_samples_and_verifies_itself(name, content, tmp_path):
    if reason := COMPILED.get(name):
        pytest.skip(reason)
    target = TARGETS[name]()
    files = target.files(content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})

    answers = target.answers(tmp_path, content, [saved(plain((0, 255, 0)))])

    assert content.description["labels"][int(np.argmax(answers.values[0]))] == "green"
    with pytest.raises(AgreementNotMet):  # it has no golden answers yet
        target.verify(tmp_path, content)
    with Predictor.open(tmp_path) as predictor:
        files[GOLDEN] = spelled(expected(predictor, content.golden, 1e-3))
    write_folder(tmp_path, {**files, SEAL: seal(files)})
    files |= target.golden_files(tmp_path, content)
    write_folder(tmp_path, {**files, SEAL: seal(files)})
    target.verify(tmp_path, content)
    assert all(sentence.endswith(".") for sentence in target.statements(tmp_path, content))


@pytest.mark.parametrize("name", EACH)
def test_equal_content_makes_equal_files(name, content):
    assert TARGETS[name]().files(content) == TARGETS[name]().files(content)


@pytest.mark.parametrize("name", EACH)
def test_it_carries_what_a_person_needs(name, content):
    files = TARGETS[name]().files(content)

    assert {"README.md", "requirements.txt", "labels.txt", "package.json"} <= set(files)
    description = json.loads(files["package.json"])
    assert description["model"] in files
    assert description["labels"] == DESCRIPTION["labels"]
    assert description["before"] == DESCRIPTION["before"]
    assert files["labels.txt"].decode().split() == DESCRIPTION["labels"]
    *required, optional = files["requirements.txt"].decode().splitlines()
    assert all(re.fullmatch(r"[\w-]+==[^ ]+", line) for line in required)
    assert optional == "# To read HEIC photos: pip install pillow-heif"
    assert "HEIC photos are read where `pillow-heif` is installed" in files["README.md"].decode()


def test_only_the_service_carries_a_server(content):
    device, cloud = TARGETS["device_sdk"]().files(content), TARGETS["cloud_api"]().files(content)

    assert "colours_sdk/server.py" not in device
    assert "fastapi" not in device["requirements.txt"].decode()
    assert "colours_sdk/server.py" in cloud
    assert "USER 10001" in cloud["Dockerfile"].decode()
    assert "HEALTHCHECK" in cloud["Dockerfile"].decode()


@pytest.mark.parametrize("name", marked(OF_ENGINES))
def test_the_engine_alone_answers_the_test_vector_or_it_is_not_verified(name, content, tmp_path):
    target = TARGETS[name]()
    files = target.files(content)
    with Predictor.open(_written(files, tmp_path / "first")) as predictor:
        files[GOLDEN] = spelled(expected(predictor, content.golden, 1e-3))
    target.verify(_written(files, tmp_path / "whole"), content)

    vector = json.loads(files["test_vector.json"])
    answer = np.frombuffer(files[vector["outputs"][0]["file"]], "<f4")
    files[vector["outputs"][0]["file"]] = (answer + 1).astype("<f4").tobytes()

    with pytest.raises(AgreementNotMet, match=f"{name} itself answers the test vector"):
        target.verify(_written(files, tmp_path / "wrong"), content)


@pytest.mark.parametrize("name", marked(OF_ENGINES))
def test_a_target_of_an_engine_refuses_the_network_of_another(name):
    unsuitable = Content(
        "colours", DESCRIPTION, {"model.onnx": colour_network()}, golden_pictures()
    )

    with pytest.raises(ConfigError, match="cannot hold a network for onnxruntime") as caught:
        TARGETS[name]().files(unsuitable)

    assert f"`{name}` in deploy.targets" in caught.value.remedy


def _written(files, folder):
    write_folder(folder, {**files, SEAL: seal(files)})
    return folder
