"""Engines in numpy that run a small int8 network as a processor with or without VNNI would.

They are backends: `BACKENDS.places["onnxruntime"] = "tests.deploy.simulated:Saturating"` plants one
in this process. Layers in 8 bits are counted by stages/deploy/saturation, all other nodes are run
by ONNX Runtime one at a time, so that nothing else can differ."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from stages.deploy.saturation.layers import Layer, layers_of
from stages.deploy.saturation.pair_sums import accumulated
from stages.runtime.backends.sums import Sums


class Exact:
    """Adds every product in 32 bits."""

    format: ClassVar[str] = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnxruntime",)
    saturating: ClassVar[bool] = False

    @classmethod
    def sums(cls, numeric: str, instruction_set: str) -> Sums:
        if numeric != "int8":
            return Sums.FLOAT
        return Sums.SATURATING_PAIRS if cls.saturating else Sums.INT32

    def __init__(self, model: Path, threads: int = 1, numeric: str = "int8", on=None) -> None:
        graph = onnx.load(str(model)).graph
        self.nodes = list(graph.node)
        self.tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self.layers = {layer.output: layer for layer in layers_of(model)}
        self.makers = {name: node for node in self.nodes for name in node.output}
        self.takers: dict[str, list] = {}
        for node in self.nodes:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)
        self.inputs = tuple(
            tensor.name for tensor in graph.input if tensor.name not in self.tensors
        )
        self.outputs = tuple(tensor.name for tensor in graph.output)
        self.sessions: dict[str, onnxruntime.InferenceSession] = {}

    def run(self, inputs):
        values = self.everything(inputs)
        return {name: values[name] for name in self.outputs}

    def everything(self, inputs):
        """The value of every tensor by its name."""
        values = {**self.tensors, **inputs}
        for node in self.nodes:
            if node.output[0] in values:
                continue  # quantised together with its layer
            layer = self.layers.get(node.output[0])
            if layer is None:
                values.update(self._run(node, values))
            else:
                values.update(self._layer(node, layer, values))
        return values

    def _layer(self, node, layer: Layer, values):
        activations = values[layer.activations]
        sums = accumulated(layer, activations, self.saturating)
        bias, scale = self._bias(node), self._scales(node)
        sums = sums + bias
        (taker,) = self.takers[node.output[0]]
        shape = activations.shape[:-1] if layer.window is None else None
        if taker.op_type != "QuantizeLinear":
            whole = sums.astype(np.float32) * scale.astype(np.float32)
            return {node.output[0]: self._shaped(whole, layer, activations, shape)}
        step, zero = (self.tensors[name] for name in taker.input[1:3])
        factor = (scale / step).astype(np.float32)
        rounded = np.rint(sums.astype(np.float32) * factor)
        low, high = np.float32(0 - int(zero)), np.float32(255 - int(zero))
        bytes_ = (np.clip(rounded, low, high) + int(zero)).astype(np.uint8)
        return {
            node.output[0]: None,
            taker.output[0]: self._shaped(bytes_, layer, activations, shape),
        }

    def _shaped(self, flat, layer: Layer, activations, shape):
        if shape is not None:
            return flat.reshape(*shape, -1)
        n = len(activations)
        sides = self._sides(layer, activations)
        return np.ascontiguousarray(np.moveaxis(flat.reshape(n, *sides, -1), -1, 1))

    def _sides(self, layer: Layer, activations):
        half = len(layer.window.pads) // 2
        for k, (length, side) in enumerate(
            zip(activations.shape[2:], layer.weights.shape[2:], strict=True)
        ):
            around = layer.window.pads[k] + layer.window.pads[half + k]
            reach = layer.window.dilations[k] * (side - 1) + 1
            yield (length + around - reach) // layer.window.strides[k] + 1

    def _scales(self, node):
        activation, weight = (self.makers[name] for name in node.input[:2])
        return np.float32(self.tensors[activation.input[1]]) * self.tensors[
            weight.input[1]
        ].reshape(-1)

    def _bias(self, node):
        if len(node.input) < 3 or not node.input[2]:
            return 0
        return self.tensors[self.makers[node.input[2]].input[0]].astype(np.int64)

    def _run(self, node, values):
        key = node.output[0]
        names = list(dict.fromkeys(name for name in node.input if name))
        if key not in self.sessions:
            self.sessions[key] = _alone(node, {name: values[name] for name in names})
        found = self.sessions[key].run(list(node.output), {name: values[name] for name in names})
        return dict(zip(node.output, found, strict=True))


class Saturating(Exact):
    """Adds two products in 16 bits, as AVX2 does."""

    saturating: ClassVar[bool] = True


def _alone(node, values):
    def described(name, value):
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        return helper.make_tensor_value_info(name, kind, None)

    inputs = [described(name, value) for name, value in values.items()]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "one", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
