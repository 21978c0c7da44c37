"""Exported networks: equal bytes for equal weights, the same answers, clear errors."""

from pathlib import Path

import numpy as np
import pytest

from stages.models.export import export_network
from stages.parts import FAMILIES
from stages.runtime.errors import InfrastructureError

FAMILY = "efficientnet_lite0"


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    backbone = {f"backbone.{name}": array for name, array in FAMILIES[FAMILY].load().items()}
    head = {"head.out.weight": (1280, 3), "head.out.bias": (3,)}
    return backbone | {
        name: rng.normal(size=shape).astype(np.float32) for name, shape in head.items()
    }


@pytest.fixture(scope="module")
def exported(arrays, tmp_path_factory):
    return export_network(
        FAMILY, arrays, tmp_path_factory.mktemp("a"), ("paddle_inference", "onnx")
    )


def test_two_processes_write_the_same_bytes(arrays, exported, tmp_path: Path):
    again = export_network(FAMILY, arrays, tmp_path, ("paddle_inference", "onnx"))

    assert set(again) == {"graph.json", "graph.pdiparams", "graph.onnx"}
    for name, path in again.items():
        assert path.read_bytes() == exported[name].read_bytes(), name


def test_onnx_answers_as_paddle_at_another_size_and_batch(arrays, exported):
    import onnxruntime
    import paddle

    from stages.models.network import assemble

    image = np.random.default_rng(1).normal(size=(3, 3, 96, 128)).astype(np.float32)
    session = onnxruntime.InferenceSession(str(exported["graph.onnx"]))

    onnx = session.run(None, {"image": image})[0]

    with paddle.no_grad():
        expected = assemble(FAMILY, arrays)(paddle.to_tensor(image)).numpy()
    np.testing.assert_allclose(onnx, expected, atol=1e-4 * np.abs(expected).max())


def test_weights_that_do_not_fit_are_told_by_name_and_nothing_is_written(arrays, tmp_path: Path):
    wrong = {**arrays, "backbone.stem.convolution.weight": np.zeros((1, 2), np.float32)}

    with pytest.raises(InfrastructureError, match=r"backbone\.stem\.convolution\.weight"):
        export_network(FAMILY, wrong, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_pad_value_that_is_not_zero_is_found(tmp_path: Path):
    import onnx
    from onnx import TensorProto, helper

    from stages.models.onnx_file import stray_padding

    def file(value: float) -> Path:
        pads = helper.make_tensor("pads", TensorProto.INT64, [4], [0, 1, 0, 1])
        fill = helper.make_tensor("fill", TensorProto.FLOAT, [1], [value])
        node = helper.make_node("Pad", ["x", "pads", "fill"], ["y"], name="padding")
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, None]) for n in "xy"]
        graph = helper.make_graph([node], "g", ends[:1], ends[1:], [pads, fill])
        onnx.save(helper.make_model(graph), tmp_path / "file.onnx")
        return tmp_path / "file.onnx"

    assert stray_padding(file(0.0)) is None
    found = stray_padding(file(9.8e-45))
    assert found is not None
    assert found[0] == "padding"
    assert found[1] != 0
