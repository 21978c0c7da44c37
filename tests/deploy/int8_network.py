"""A small int8 network with one layer of each kind, on whose layers pair sums saturate.

`python -m tests.deploy.int8_network FOLDER PRECISE` runs network.onnx and each layer alone
(layers/*.onnx) in FOLDER on inputs.npz, and writes outputs.npz there: a program of its own, as an
emulator has to run the interpreter itself. It knows numpy and onnxruntime alone."""

import sys
from pathlib import Path

import numpy as np

SIDE = 24


def make(folder: Path) -> dict[str, np.ndarray]:
    """Write network.onnx, layers/*.onnx and inputs.npz to `folder`; the inputs, by file's stem.

    A layer's input is what the network, computed exactly, gives it."""
    import onnx

    from stages.deploy.compressors.int8 import Int8
    from stages.deploy.saturation.layers import layers_of
    from tests.deploy.simulated import Exact

    rng = np.random.default_rng(0)
    network = folder / "network.onnx"
    float_network(folder / "float.onnx", rng)
    pictures = 2 * rng.random((16, 3, SIDE, SIDE)).astype(np.float32)
    Int8().compress(folder / "float.onnx", [pictures[:8]], network)
    values = Exact(network).everything({"image": pictures})
    graph = onnx.load(str(network))
    inputs = {"network": pictures}
    (folder / "layers").mkdir()
    for layer in layers_of(network):
        name = layer.output.removesuffix(".sum")
        onnx.save(_alone(graph, layer), str(folder / "layers" / f"{name}.onnx"))
        inputs[name] = values[layer.activations]
    np.savez(folder / "inputs.npz", **inputs)
    return inputs


def _alone(model, layer):
    """`layer` of `model`, from its 8-bit input to its 8-bit output."""
    from onnx import TensorProto, helper

    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    (taker,) = (node for node in graph.node if layer.output in node.input)
    node = makers[layer.output]
    nodes = [*(makers[name] for name in node.input), node, taker]
    used = dict.fromkeys(name for member in nodes for name in member.input if name in tensors)
    sides = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, None)
        for name in (layer.activations, taker.output[0])
    ]
    body = helper.make_graph(nodes, "layer", sides[:1], sides[1:], [tensors[name] for name in used])
    return helper.make_model(body, opset_imports=model.opset_import, ir_version=8)


def main(folder: Path, precise: bool) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if precise:
        options.add_session_config_entry("session.x64quantprecision", "1")
    with np.load(folder / "inputs.npz") as arrays:
        inputs = {name: arrays[name] for name in arrays}
    found = {}
    for path in [folder / "network.onnx", *sorted((folder / "layers").glob("*.onnx"))]:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        (name,) = (tensor.name for tensor in session.get_inputs())
        (found[path.stem],) = session.run(None, {name: inputs[path.stem]})
    np.savez(folder / "outputs.npz", **found)


def float_network(out: Path, rng: np.random.Generator) -> None:
    """Convolutions with 3 inputs, depthwise, 1 x 1, grouped, dilated; a mean and a matrix."""
    from onnx import helper, numpy_helper, save

    weights, nodes = [], []

    def conv(source, result, outside, inside, side, **attributes):
        kernel = rng.laplace(size=(outside, inside, side, side)).clip(-3, 3)
        kernel = (kernel + 0.3) / np.sqrt(inside * side * side)
        weights.append(numpy_helper.from_array(kernel.astype(np.float32), f"{result}.w"))
        shift = rng.standard_normal(outside).astype(np.float32) / 4
        weights.append(numpy_helper.from_array(shift, f"{result}.b"))
        names = [source, f"{result}.w", f"{result}.b"]
        nodes.append(helper.make_node("Conv", names, [f"{result}.sum"], name=result, **attributes))
        nodes.append(helper.make_node("Relu", [f"{result}.sum"], [result]))

    conv("image", "stem", 16, 3, 3, strides=[2, 2], pads=[0, 0, 1, 1])
    conv("stem", "depthwise", 16, 1, 3, pads=[1, 1, 1, 1], group=16)
    conv("depthwise", "point", 24, 16, 1)
    conv("point", "grouped", 32, 12, 3, pads=[1, 1, 1, 1], group=2)
    conv("grouped", "dilated", 20, 32, 3, dilations=[2, 2], pads=[2, 2, 2, 2])
    conv("dilated", "odd", 21, 20, 1)
    matrix = rng.laplace(size=(21, 5)).astype(np.float32)
    weights.append(numpy_helper.from_array(matrix, "matrix"))
    weights.append(numpy_helper.from_array(np.zeros(5, np.float32), "bias"))
    nodes.append(helper.make_node("GlobalAveragePool", ["odd"], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["flat"]))
    nodes.append(helper.make_node("Gemm", ["flat", "matrix", "bias"], ["logits"], name="head"))
    floats = 1
    image = helper.make_tensor_value_info("image", floats, ["n", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", floats, ["n", 5])
    graph = helper.make_graph(nodes, "small", [image], [logits], weights)
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(out))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] == "True")
