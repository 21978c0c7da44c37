"""Multiply-accumulates of networks that can be counted by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from stages.deploy.device.mac_count import macs_of_graph


def network(groups: int = 1) -> bytes:
    """A 3 x 3 convolution of 4 channels to 8, a mean, and a matrix product with 5 outputs."""
    shapes = {"kernel": (8, 4 // groups, 3, 3), "weights": (5, 8), "bias": (5,)}
    tensors = [
        numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node(
            "Conv", ["x", "kernel"], ["c"], pads=[1] * 4, strides=[2, 2], group=groups
        ),
        helper.make_node("GlobalAveragePool", ["c"], ["m"]),
        helper.make_node("Flatten", ["m"], ["f"]),
        helper.make_node("Gemm", ["f", "weights", "bias"], ["y"], transB=1),
    ]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4, "h", "w"]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5]),
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize("groups", [1, 4])
def test_a_layer_costs_its_output_times_the_terms_of_a_sum(groups):
    assert macs_of_graph(network(groups), (4, 10, 12)) == (8 * 5 * 6) * (4 // groups * 9) + 5 * 8


def test_a_larger_window_costs_more():
    assert macs_of_graph(network(), (4, 20, 24)) - 40 == 4 * (
        macs_of_graph(network(), (4, 10, 12)) - 40
    )


def test_a_shape_that_does_not_follow_is_refused():
    model = onnx.load_model_from_string(network())
    model.opset_import.append(helper.make_opsetid("of.others", 1))
    model.graph.node[1].domain = "of.others"  # the shape of what it gives is not known
    model.graph.node[3].input[0] = "m"
    model.graph.node[3].op_type = "MatMul"
    del model.graph.node[2], model.graph.node[2].input[2]

    with pytest.raises(ValueError, match="is not known"):
        macs_of_graph(model.SerializeToString(), (4, 10, 12))
