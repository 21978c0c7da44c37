"""What of an ONNX file is kept when it is made readable for old engines."""

import pytest
from onnx import TensorProto, checker, helper, load

from stages.models.onnx_file import portable


def floats(name):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1])


def written(path, nodes, sets, ir_version=10):
    body = helper.make_graph(nodes, "g", [floats("x")], [floats("y")])
    opsets = [helper.make_opsetid(*opset) for opset in sets]
    file = helper.make_model(body, opset_imports=opsets, ir_version=ir_version)
    path.write_bytes(file.SerializeToString())
    return path


def test_a_set_that_a_node_is_of_stays(tmp_path):
    node = helper.make_node("Gelu", ["x"], ["y"], domain="com.microsoft")
    path = written(tmp_path / "a.onnx", [node], [("", 17), ("com.microsoft", 1), ("ai.onnx.ml", 5)])

    portable(path)

    assert [opset.domain for opset in load(str(path)).opset_import] == ["com.microsoft"]


def test_a_set_that_is_used_only_inside_a_branch_stays(tmp_path):
    inner = helper.make_node("Gelu", ["x"], ["z"], domain="com.microsoft")
    branch = helper.make_graph([inner], "b", [], [floats("z")])
    nodes = [
        helper.make_node("ReduceSum", ["x"], ["sum"], keepdims=0),
        helper.make_node("Cast", ["sum"], ["positive"], to=TensorProto.BOOL),
        helper.make_node("If", ["positive"], ["y"], then_branch=branch, else_branch=branch),
    ]
    path = written(tmp_path / "a.onnx", nodes, [("", 17), ("com.microsoft", 1), ("ai.onnx.ml", 5)])

    portable(path)

    assert [opset.domain for opset in load(str(path)).opset_import] == ["", "com.microsoft"]


@pytest.mark.parametrize(
    ("opset", "before", "after"), [(17, 10, 8), (17, 7, 7), (13, 10, 7), (21, 13, 10)]
)
def test_the_format_is_the_oldest_that_has_the_operators(tmp_path, opset, before, after):
    node = helper.make_node("Relu", ["x"], ["y"])
    path = written(tmp_path / "a.onnx", [node], [("", opset), ("ai.onnx.ml", 5)], before)

    portable(path)

    assert load(str(path)).ir_version == after
    checker.check_model(str(path))
