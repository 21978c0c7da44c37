"""What goes wrong on the way to ONNX is found there, not by a user."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.exporters.onnx import Onnx, _difference, _run, check_padding, check_parity
from stages.runtime.backends.onnxruntime import OnnxRuntime
from stages.runtime.errors import AgreementNotMet, ConfigError, InfrastructureError
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

    check_parity(OnnxRuntime(path), pictures, [right], "onnxruntime")
    for wrong in (right + 0.01, right * np.nan):
        with pytest.raises(AgreementNotMet, match="onnxruntime answers 2 samples differently"):
            check_parity(OnnxRuntime(path), pictures, [wrong], "onnxruntime")


def test_every_output_is_compared(tmp_path):
    path = tmp_path / "spots.onnx"
    path.write_bytes(spots_network())
    pictures = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    right = list(OnnxRuntime(path).run({"image": pictures}).values())

    check_parity(OnnxRuntime(path), pictures, right, "onnxruntime")
    for wrong in ([right[0], right[1] * 1.01], [right[0], right[1][:, :1]], right[::-1]):
        with pytest.raises(AgreementNotMet, match="onnxruntime answers 2 samples differently"):
            check_parity(OnnxRuntime(path), pictures, wrong, "onnxruntime")


class Answering:
    """A backend that answers everything with the same arrays."""

    inputs = ("image",)

    def __init__(self, *arrays):
        self.outputs = {f"out{number}": array for number, array in enumerate(arrays)}

    def run(self, inputs):
        assert list(inputs) == ["image"]
        return self.outputs


def test_a_thousandth_of_the_largest_number_is_allowed():
    wanted = np.array([[50.0, -200.0]], np.float32)

    check_parity(Answering(wanted + np.array([0, 0.19])), wanted, [wanted], "onnxruntime")
    check_parity(Answering(wanted - np.array([0.19, 0])), wanted, [wanted], "onnxruntime")
    with pytest.raises(AgreementNotMet, match=r"by 0\.0011 of the largest output, at most 0\.001"):
        check_parity(Answering(wanted + np.array([0.21, 0])), wanted, [wanted], "onnxruntime")


def test_the_output_that_differs_most_decides():
    small, large = np.full((1, 2), 1.0), np.full((1, 2), 1000.0)

    check_parity(Answering(small, large + 0.5), small, [small, large], "onnxruntime")
    with pytest.raises(AgreementNotMet, match=r"by 0\.5 of"):
        check_parity(Answering(small + 0.5, large), small, [small, large], "onnxruntime")


def test_what_should_be_nothing_has_to_be_nearly_nothing():
    nothing = np.zeros((1, 2))

    assert _difference(nothing + 5e-7, nothing) == pytest.approx(0.5)
    assert _difference(nothing, nothing) == 0
    assert _difference(nothing[:, :1], nothing) == np.inf
    assert _difference(np.full((1, 2), np.nan), nothing) == np.inf


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (134, ConfigError, "The network of family 'lite' uses an operator that ONNX lacks. so"),
        (-6, ConfigError, "uses an operator that ONNX lacks"),
        (1, InfrastructureError, "The export to ONNX ended with code 1. so"),
        (0, None, ""),
    ],
)
def test_how_the_exporting_process_ends_decides_who_has_to_act(
    tmp_path, monkeypatch, code, error, message
):
    (tmp_path / "exporting.py").write_text(f"import os\nprint('so', flush=True)\n{ENDING[code]}\n")
    monkeypatch.setattr("stages.deploy.exporters.paddle_to_onnx.__name__", "exporting")

    if error is None:
        _run(tmp_path, "lite")
    else:
        with pytest.raises(error) as caught:
            _run(tmp_path, "lite")
        assert message in caught.value.problem


def test_an_export_that_hangs_is_told(tmp_path, monkeypatch):
    (tmp_path / "exporting.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr("stages.deploy.exporters.paddle_to_onnx.__name__", "exporting")
    monkeypatch.setattr("stages.deploy.exporters.onnx.PATIENCE", 1)

    with pytest.raises(InfrastructureError, match="took more than 1 seconds"):
        _run(tmp_path, "lite")


ENDING = {134: "os._exit(134)", -6: "os.abort()", 1: "os._exit(1)", 0: ""}


def test_a_graph_that_cannot_be_read_is_told_with_the_childs_words(deployable, tmp_path):
    broken = deployable.model.model_copy(
        update={"files": {**deployable.model.files, "graph.json": deployable.store.add(b"{}")}}
    )

    windows = np.zeros((1, 3, SIDE, SIDE), np.float32)

    with pytest.raises(InfrastructureError, match="ended with code"):
        Onnx().export(broken, deployable.store, windows, tmp_path / "x", OnnxRuntime)

    assert not (tmp_path / "x").exists()
