"""Reads and writes the files of an ncnn network: its layers, a line of text each, and their
weights, one after the other.

The format is that of ncnn's own source (modelbin.cpp, and each layer's load_param and
load_model)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress

# How a layer's weights are stored, as a number before them.
FLOAT32, FLOAT16, INT8 = 0, 0x01306B47, 0x000D4B38
HEADER = 2  # lines of a .param file before the layers


class _Keys(NamedTuple):
    """The keys, in a layer's line, of its number of weights, and of whether it has biases. Its
    number of outputs, and so of biases, has the key 0."""

    weights: int
    bias: int


WEIGHTED = {
    "Convolution": _Keys(weights=6, bias=5),
    "ConvolutionDepthWise": _Keys(weights=6, bias=5),
    "InnerProduct": _Keys(weights=2, bias=1),
}
CONSTANT = "MemoryData"  # a constant: numbers without a head, of sides with the keys below
SIDES = (0, 1, 11, 2)
# Layers that have no weights, of those that pnnx writes for our networks.
WITHOUT = {
    *("BinaryOp", "Clip", "Concat", "Crop", "ExpandDims", "Flatten", "HardSigmoid", "HardSwish"),
    *("Input", "Interp", "Noop", "Padding", "Permute", "Pooling", "ReLU", "Reduction", "Reshape"),
    *("ShuffleChannel", "Sigmoid", "Slice", "Softmax", "Split", "Squeeze", "Swish", "UnaryOp"),
    *("TanH", "Dropout", "Eltwise"),
}


@dataclass
class NcnnLayer:
    """A layer: its `kind`, `name`, the blobs that it reads and writes, its other `keys` as text.

    `weights`: flat, float32 or, of a layer in 8 bits, int8; None for a layer without; biases and
    constants in `rest`, as bytes. `stored`: how the weights are written; `scales`: for INT8, of the
    weights of each output and of the input."""

    kind: str
    name: str
    reads: list[str]
    writes: list[str]
    keys: dict[int, str]
    weights: NDArray[Any] | None = None
    rest: bytes = b""
    stored: int = FLOAT32
    scales: tuple[NDArray[np.float32], float] | None = None

    def number(self, key: int, default: int = 0) -> int:
        """The whole number with this `key`."""
        return int(self.keys.get(key, default))

    @property
    def line(self) -> str:
        """The layer as a line of a .param file."""
        pairs = [f"{key}={value}" for key, value in self.keys.items()]
        head = f"{self.kind:24s} {self.name:24s} {len(self.reads)} {len(self.writes)}"
        return " ".join([head, *self.reads, *self.writes, *pairs])

    @property
    def data(self) -> bytes:
        """The layer's part of a .bin file."""
        if self.weights is None:
            return self.rest
        if self.stored == FLOAT16:
            halves = bytes(self.weights.astype(np.float16).tobytes())
            return FLOAT16.to_bytes(4, "little") + halves + b"\0" * (-len(halves) % 4) + self.rest
        if self.stored == INT8 and self.scales:
            of_weights, of_input = self.scales
            rows = self.weights.reshape(len(of_weights), -1) * of_weights[:, None]
            whole = np.clip(np.rint(rows), -127, 127).astype(np.int8).tobytes()
            padding = b"\0" * (-len(whole) % 4)
            packed: bytes = INT8.to_bytes(4, "little") + whole + padding + self.rest
            of_input_bytes = np.array(of_input, np.float32).tobytes()
            scales: bytes = of_weights.tobytes() + of_input_bytes
            return packed + scales
        return FLOAT32.to_bytes(4, "little") + bytes(self.weights.tobytes()) + self.rest


def read_layers(graph: Path) -> list[NcnnLayer]:
    """The layers of the network in the .param file `graph`, with their weights from the .bin file
    beside it. Raises CannotCompress, naming it, for a layer of a kind that may have weights and is
    not known here."""
    lines = graph.read_text("utf-8").splitlines()[HEADER:]
    layers = [_layer(line.split()) for line in lines if line.strip()]
    data, place = graph.with_suffix(".bin").read_bytes(), 0
    for layer in layers:
        place = _take_weights(layer, data, place)
    if place != len(data):
        raise CannotCompress(f"{graph.name} does not account for all bytes of its weights.")
    return layers


def write_layers(layers: list[NcnnLayer], graph: Path, out: Path) -> None:
    """Write `layers`, read from `graph`, to the .param file `out` and the .bin file beside it."""
    head = graph.read_text("utf-8").splitlines()[:HEADER]
    text = "\n".join([*head, *(layer.line for layer in layers)])
    out.write_text(f"{text}\n", "utf-8")
    out.with_suffix(".bin").write_bytes(b"".join(layer.data for layer in layers))


def weighted(layers: list[NcnnLayer]) -> Iterator[NcnnLayer]:
    """The layers that have weights."""
    return (layer for layer in layers if layer.weights is not None)


def outputs_of(layer: NcnnLayer) -> int:
    """The number of output channels of a layer with weights."""
    return layer.number(0)


def _layer(fields: list[str]) -> NcnnLayer:
    kind, name, reads, writes = fields[0], fields[1], int(fields[2]), int(fields[3])
    blobs, pairs = fields[4 : 4 + reads + writes], fields[4 + reads + writes :]
    keys: Mapping[int, Any] = {
        int(key): value for key, _, value in (w.partition("=") for w in pairs)
    }
    return NcnnLayer(kind, name, blobs[:reads], blobs[reads:], dict(keys))


def _take_weights(layer: NcnnLayer, data: bytes, place: int) -> int:
    """Take the weights of `layer` from `data` at `place`, and return the place after them."""
    if layer.kind == CONSTANT:
        count = int(np.prod([max(layer.number(key), 1) for key in SIDES]))
        layer.rest = data[place : place + 4 * count]
        return place + 4 * count
    keys = WEIGHTED.get(layer.kind)
    if keys is None:
        if layer.kind not in WITHOUT:
            raise CannotCompress(f"How ncnn stores the weights of {layer.kind} is not known here.")
        return place
    layer.stored = int.from_bytes(data[place : place + 4], "little")
    if layer.stored not in (FLOAT32, INT8):
        raise CannotCompress(f"The weights of {layer.name} are not in float32 or int8.")
    kind = np.dtype(np.float32 if layer.stored == FLOAT32 else np.int8)
    count = layer.number(keys.weights)
    layer.weights = np.frombuffer(data, kind, count, place + 4)
    behind = place + 4 + count * kind.itemsize
    behind += -(behind - place) % 4
    biases = 4 * layer.number(0) if layer.number(keys.bias) else 0
    layer.rest = data[behind : behind + biases]
    scales = 4 * (layer.number(0) + 1) if layer.stored == INT8 else 0
    return behind + biases + scales
