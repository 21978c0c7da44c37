"""What goes wrong on the way to ONNX is found there, not by a user."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.exporters.onnx import Onnx, check_padding, check_parity
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.errors import AgreementNotMet, InfrastructureError
from tests.deploy.conftest import SIDE
from tests.runtime.networks import spots_network


def padded(value: float, path, constant_node: bool):
    """An ONNX file that pads a picture with `value`."""
    pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "pads")
    number = numpy_helper.from_array(np.array(value, np.float32), "value")
    nodes = [helper.make_node("Pad", ["image", "pads", "value"], ["out"], name="Pad.0")]
    initializers = [pads, number]
    if constant_node:
        nodes.insert(0, helper.make_node("Constant", [], ["value"], value=number))
        initializers = [pads]
    sides = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, None, None])
        for name in ("image", "out")
    ]
    graph = helper.make_graph(nodes, "padded", sides[:1], sides[1:], initializers)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    return path


@pytest.mark.parametrize("constant_node", [True, False])
def test_padding_with_rubbish_is_found(tmp_path, constant_node):
    check_padding(padded(0.0, tmp_path / "good.onnx", constant_node))

    with pytest.raises(AgreementNotMet, match=r"pads with 6\.7e\+22 in 'Pad\.0'"):
        check_padding(padded(6.7e22, tmp_path / "bad.onnx", constant_node))


def test_an_export_that_answers_differently_is_found(tmp_path):
    path = padded(0.0, tmp_path / "pad.onnx", False)
    pictures = np.ones((2, 3, 4, 4), np.float32)
    right = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1)))

    check_parity(OnnxRuntime(path), pictures, [right])
    for wrong in (right + 0.01, right * np.nan):
        with pytest.raises(AgreementNotMet, match="answers 2 training samples differently"):
            check_parity(OnnxRuntime(path), pictures, [wrong])


def test_every_output_is_compared(tmp_path):
    path = tmp_path / "spots.onnx"
    path.write_bytes(spots_network())
    pictures = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    right = list(OnnxRuntime(path).run({"image": pictures}).values())

    check_parity(OnnxRuntime(path), pictures, right)
    for wrong in ([right[0], right[1] * 1.01], [right[0], right[1][:, :1]], right[::-1]):
        with pytest.raises(AgreementNotMet, match="answers 2 training samples differently"):
            check_parity(OnnxRuntime(path), pictures, wrong)


def test_a_graph_that_cannot_be_read_is_told_with_the_childs_words(deployable, tmp_path):
    broken = deployable.model.model_copy(
        update={"files": {**deployable.model.files, "graph.json": deployable.store.add(b"{}")}}
    )

    windows = np.zeros((1, 3, SIDE, SIDE), np.float32)

    with pytest.raises(InfrastructureError, match="ended with code"):
        Onnx().export(broken, deployable.store, windows, tmp_path / "x", OnnxRuntime)

    assert not (tmp_path / "x").exists()
