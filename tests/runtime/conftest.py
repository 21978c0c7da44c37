"""Small packages whose answers can be worked out by hand: the mean of each colour, spots, tones."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.content import Content, spelled
from stages.deploy.packed import write_folder
from stages.deploy.targets.cloud_api import CloudApi
from stages.parts import MODALITIES
from stages.runtime.predictor import Predictor
from stages.runtime.sealed import SEAL, seal
from stages.runtime.selftest import GOLDEN, expected
from tests.runtime.networks import SPOTS, TONES, spots_network, tones_network

COLOURS = ("red", "green", "blue")
STRENGTH = 8.0
DESCRIPTION = {
    "name": "colours",
    "task": "image_classification",
    "modality": "pictures",
    "answers": "labels",
    "noun": "photo",
    "types": ["image/"],
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


def whole(description: dict, network: bytes, folder: Path) -> dict[str, bytes]:
    """All files of the cloud_api package of `network`, golden answers included."""
    golden = MODALITIES[description["modality"]]().golden()
    content = Content(description["name"], description, {"model.onnx": network}, golden)
    (folder / "model.onnx").write_bytes(network)
    answers = expected(Predictor(description, folder / "model.onnx"), golden, 1e-3)
    files = {**CloudApi().files(content), GOLDEN: spelled(answers)}
    return {**files, SEAL: seal(files)}


@pytest.fixture(scope="session")
def sealed_files(tmp_path_factory) -> dict[str, bytes]:
    """A whole package that answers labels of pictures."""
    return whole(DESCRIPTION, colour_network(), tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="session")
def spots_files(tmp_path_factory) -> dict[str, bytes]:
    """A whole package that answers boxes on pictures."""
    return whole(SPOTS, spots_network(), tmp_path_factory.mktemp("spots"))


@pytest.fixture(scope="session")
def tones_files(tmp_path_factory) -> dict[str, bytes]:
    """A whole package that answers labels of sounds."""
    return whole(TONES, tones_network(), tmp_path_factory.mktemp("tones"))


@pytest.fixture
def package(sealed_files, tmp_path) -> Path:
    """The package in a folder with an awkward name."""
    folder = tmp_path / "my päckage, 'new' -x"
    write_folder(folder, sealed_files)
    return folder


@pytest.fixture
def predictor(package) -> Predictor:
    return Predictor.open(package)


@pytest.fixture
def spots(spots_files, tmp_path) -> Path:
    write_folder(tmp_path / "spots", spots_files)
    return tmp_path / "spots"


@pytest.fixture
def tones(tones_files, tmp_path) -> Path:
    write_folder(tmp_path / "tones", tones_files)
    return tmp_path / "tones"
