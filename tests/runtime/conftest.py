"""A small package whose answers can be worked out by hand: the mean of each colour."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.content import Content, spelled
from stages.deploy.golden import golden_pictures
from stages.deploy.packed import write_folder
from stages.deploy.targets.cloud_api import CloudApi
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN

COLOURS = ("red", "green", "blue")
STRENGTH = 8.0
DESCRIPTION = {
    "name": "colours",
    "task": "image_classification",
    "labels": list(COLOURS),
    "before": [
        {"step": "decode_picture", "args": {}},
        {"step": "resize", "args": {"size": 8}},
        {"step": "normalise", "args": {"mean": [0, 0, 0], "std": [1, 1, 1]}},
        {"step": "to_channels_first", "args": {}},
    ],
    "after": [{"step": "softmax", "args": {}}],
    "backend": "onnxruntime",
    "format": "onnx",
    "model": "model.onnx",
    "numeric": "float32",
    "input_shape": [3, 8, 8],
}


def colour_network() -> bytes:
    """An ONNX network: (N, 3, H, W) to the mean of each channel, times STRENGTH."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "strength"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])
    strength = numpy_helper.from_array(np.array([STRENGTH], np.float32), "strength")
    graph = helper.make_graph(nodes, "colours", [image], [logits], [strength])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def package_files() -> dict[str, bytes]:
    """Every file of a cloud_api package but its seal and golden answers."""
    return CloudApi().files(Content("colours", DESCRIPTION, colour_network(), golden_pictures()))


@pytest.fixture(scope="session")
def sealed_files(tmp_path_factory) -> dict[str, bytes]:
    """A whole package, golden answers included."""
    files = package_files()
    network = tmp_path_factory.mktemp("network") / "model.onnx"
    network.write_bytes(files["model.onnx"])
    pictures = golden_pictures()
    scores = Predictor(DESCRIPTION, network).scores(list(pictures.values()))
    cases = [
        {"file": name, "scores": row} for name, row in zip(pictures, scores.tolist(), strict=True)
    ]
    files[GOLDEN] = spelled({"tolerance": 1e-3, "cases": cases})
    return {**files, SEAL: seal(files)}


@pytest.fixture
def package(sealed_files, tmp_path) -> Path:
    """The package in a folder with an awkward name."""
    folder = tmp_path / "my päckage, 'new' -x"
    write_folder(folder, sealed_files)
    return folder


@pytest.fixture
def predictor(package) -> Predictor:
    return Predictor.open(package)
