"""Small networks with random weights that have every operator that is written as C."""

from pathlib import Path

import numpy as np

from stages.deploy.compressors.int8 import Int8
from tests.runtime.networks import network

CHANNELS, SIDE, LABELS = 3, 15, 4


def every_operator() -> bytes:
    """(N, 3, 15, 15) to four scores, through convolutions of all kinds, batch normalization,
    activations, poolings, arithmetic, and what only moves numbers."""
    builder = Builder()
    builder.add("Sub", "image", "mean", out="centred")
    builder.add("Div", "centred", "deviation", out="standard")
    builder.conv("standard", "stem", 8, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    builder.normalised("stem", "normal", 8)
    builder.add("Relu", "normal", out="a")
    builder.conv("a", "grouped", 8, 4, 3, pads=[1, 1, 1, 1], group=2)
    builder.add("Clip", "grouped", "zero", "six", out="b")
    builder.conv("b", "depthwise", 8, 1, 3, pads=[2, 2, 2, 2], dilations=[2, 2], group=8)
    builder.add("HardSwish", "depthwise", out="c")
    builder.add("Add", "c", "a", out="sum")
    builder.add("Concat", "sum", "b", out="both", axis=1)
    builder.conv("both", "point", 6, 16, 1)
    builder.add("HardSigmoid", "point", out="gate", alpha=0.2, beta=0.5)
    builder.add("Mul", "point", "gate", out="gated")
    builder.add("MaxPool", "gated", out="largest", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    builder.add("AveragePool", "largest", out="smooth", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    builder.add("Transpose", "smooth", out="turned", perm=[0, 1, 3, 2])
    builder.add("Slice", "turned", "start", "end", "axis", out="part")
    builder.normalised("part", "part_normal", 6)
    builder.add("LeakyRelu", "part_normal", out="leaky")
    builder.add("Sigmoid", "leaky", out="squashed")
    builder.add("GlobalAveragePool", "squashed", out="pooled")
    builder.add("ReduceMax", "leaky", out="peaks", axes=[2, 3], keepdims=1)
    builder.add("Sub", "peaks", "pooled", out="between")
    builder.add("Flatten", "between", out="flat")
    builder.add("Gemm", "flat", "matrix", "bias", out="logits", transB=1)
    builder.add("Softmax", "logits", out="scores", axis=1)
    return builder.built({"scores": ["n", LABELS]})


def integer_network(folder: Path, rng: np.random.Generator) -> bytes:
    """(N, 3, 15, 15) to four logits, quantized to 8 bits, with every kernel in whole numbers."""
    builder = Builder()
    builder.conv("image", "stem", 8, 3, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    builder.add("Relu", "stem", out="a")
    builder.conv("a", "depthwise", 8, 1, 3, pads=[1, 1, 1, 1], group=8)
    builder.add("HardSwish", "depthwise", out="b")
    builder.add("Add", "a", "b", out="sum")
    builder.add("MaxPool", "sum", out="largest", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    builder.add("Concat", "largest", "b", out="both", axis=1)
    builder.add("AveragePool", "both", out="smooth", kernel_shape=[2, 2], strides=[2, 2])
    builder.conv("smooth", "point", 6, 16, 1)
    builder.add("GlobalAveragePool", "point", out="pooled")
    builder.add("Flatten", "pooled", out="flat")
    builder.add("Gemm", "flat", "matrix", "bias", out="logits", transB=1)
    (folder / "float.onnx").write_bytes(builder.built({"logits": ["n", LABELS]}))
    Int8().compress(folder / "float.onnx", [windows(rng, 32)], folder / "int8.onnx")
    return (folder / "int8.onnx").read_bytes()


def windows(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.normal(0, 1, (count, CHANNELS, SIDE, SIDE)).astype(np.float32)


class Builder:
    """Collects nodes, each named by what it computes, and their weights."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.nodes = []
        self.constants = {
            "mean": np.array([0.1, -0.2, 0.3], np.float32).reshape(1, 3, 1, 1),
            "deviation": np.array([0.5, 1.5, 2], np.float32).reshape(1, 3, 1, 1),
            "zero": np.float32(0),
            "six": np.float32(6),
            "start": np.array([1]),
            "end": np.array([4]),
            "axis": np.array([3]),
            "matrix": self.rng.normal(0, 1, (LABELS, 6)).astype(np.float32),
            "bias": self.rng.normal(0, 1, LABELS).astype(np.float32),
        }

    def add(self, operator, *inputs, out, **attributes) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [out], name=out, **attributes))

    def conv(self, source, out, outputs, inputs, side, **attributes) -> None:
        deviation = 1 / np.sqrt(inputs * side * side)
        weights = self.rng.normal(0, deviation, (outputs, inputs, side, side)).astype(np.float32)
        self.constants[f"{out}.w"] = weights
        self.constants[f"{out}.b"] = self.rng.normal(0, 0.2, outputs).astype(np.float32)
        self.add("Conv", source, f"{out}.w", f"{out}.b", out=out, **attributes)

    def normalised(self, source, out, channels) -> None:
        names = [f"{out}.{name}" for name in ("scale", "shift", "mean", "variance")]
        for name in names:
            self.constants[name] = self.rng.uniform(0.5, 1.5, channels).astype(np.float32)
        self.add("BatchNormalization", source, *names, out=out)

    def built(self, outputs) -> bytes:
        used = {name for node in self.nodes for name in node.input}
        constants = {name: value for name, value in self.constants.items() if name in used}
        return network(self.nodes, ["n", CHANNELS, SIDE, SIDE], outputs, constants)
