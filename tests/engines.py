"""Small networks in the format of every engine, and which engines are installed here."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from stages.deploy.engines import missing_libraries
from stages.parts import ENGINES, EXPORTERS

WINDOWS = np.array([[[[-1.0, 2.0]]]], np.float32)  # of the networks below: [n, 1, 1, 2]


def marked(names: list[str]) -> list:
    """A parameter for each engine, skipped where it is not installed."""
    missing = {name: " and ".join(missing_libraries(ENGINES[name])) for name in names}
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(bool(missing[name]), reason=f"needs {missing[name]}"),
        )
        for name in names
    ]


def relu(operator: str = "Relu", outputs: int = 1, domain: str = "") -> onnx.ModelProto:
    """x to max(x, 0), or to what another `operator` makes of it; with two outputs, half of it,
    too."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, 1, 2])
        for name in ("x", "z", "a")[: 1 + outputs]
    ]
    nodes = [helper.make_node(operator, ["x"], ["z"], domain=domain)]
    half = helper.make_tensor("half", TensorProto.FLOAT, [1], [0.5])
    if outputs == 2:  # "a" comes last, though not by its name
        nodes.append(helper.make_node("Mul", ["z", "half"], ["a"]))
    constants = [half] if outputs == 2 else []
    graph = helper.make_graph(nodes, "relu", ends[:1], ends[1:], constants)
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def converted(name: str, model: onnx.ModelProto, folder: Path, windows=WINDOWS) -> Path:
    """`model` as a file of the engine `name`, which its backend opens."""
    engine = ENGINES[name]
    graphs = folder / "graphs"
    graphs.mkdir(parents=True, exist_ok=True)
    (graphs / "graph.onnx").write_bytes(model.SerializeToString())
    out = folder / engine.files[0]
    EXPORTERS[engine.exporter]().convert(graphs, windows, out)
    return out
