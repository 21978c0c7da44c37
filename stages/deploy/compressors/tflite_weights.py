"""Networks of LiteRT with weights in fewer bits, which are widened when the network is loaded.

Arithmetic stays in float32, so that no sum can saturate and answers do not depend on the
processor. A weight becomes a smaller constant and a DEQUANTIZE operator that yields the old one."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.float16 import LARGEST, Float16
from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.layer_weights import rounded
from stages.deploy.tflite.flat_file import packed, schema, unpacked

WEIGHTS = 1  # the place, among an operator's inputs, of its weights
SMALLEST = 64  # numbers in a weight; for a smaller one the operator costs more than it saves
DEQUANTIZE_VERSIONS = {"float16": 3, "int8": 5}  # int8: with a scale for each channel

Narrowed = tuple[NDArray[Any], Any]  # the smaller numbers, and how they are quantized, if they are


class TfliteFloat16(Float16):
    """Weights as float16."""

    format: ClassVar[str] = "tflite"

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with float16 weights. Raises CannotCompress."""
        out.write_bytes(_with_narrow_weights(graph.read_bytes(), self.numeric, _halved))


class TfliteInt8(Int8):
    """Weights as int8 with a scale for each output channel; activations stay float32."""

    format: ClassVar[str] = "tflite"
    needs_samples: ClassVar[bool] = False

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with int8 weights. Raises CannotCompress."""
        out.write_bytes(_with_narrow_weights(graph.read_bytes(), self.numeric, _quantized))


def _with_narrow_weights(
    data: bytes, numeric: str, narrow: Callable[[NDArray[np.float32], int], Narrowed | None]
) -> bytes:
    """The file `data` with the weights that `narrow` takes in `numeric`. `narrow`: from a weight
    and the axis of its output channels to the smaller weight, or None to leave it."""
    model = unpacked(data)
    graph = model.subgraphs[0]
    widening, done = [], set()
    for place, axis in _weights(model):
        weight = _values(model, place)
        found = narrow(weight, axis) if place not in done and weight.size >= SMALLEST else None
        done.add(place)
        if found is not None:
            widening.append(_widened(model, place, numeric, *found))
    if not widening:
        raise CannotCompress(f"The network has no weights that fit into {numeric}.")
    graph.operators = [*widening, *graph.operators]
    return packed(model)


def _weights(model: Any) -> Iterator[tuple[int, int]]:
    """The tensor of each constant weight, and its axis of output channels."""
    names, graph = schema().BuiltinOperator, model.subgraphs[0]
    axes = {names.CONV_2D: 0, names.FULLY_CONNECTED: 0, names.DEPTHWISE_CONV_2D: 3}
    for operator in graph.operators:
        kind = model.operatorCodes[operator.opcodeIndex].builtinCode
        if kind in axes and graph.tensors[operator.inputs[WEIGHTS]].buffer:
            yield int(operator.inputs[WEIGHTS]), axes[kind]


def _values(model: Any, place: int) -> NDArray[np.float32]:
    tensor = model.subgraphs[0].tensors[place]
    data = np.asarray(model.buffers[tensor.buffer].data, np.uint8).tobytes()
    return np.frombuffer(data, np.float32).reshape([int(side) for side in tensor.shape])


def _halved(weight: NDArray[np.float32], axis: int) -> Narrowed | None:
    """`weight` as float16; None if a number is too large."""
    return (weight.astype(np.float16), None) if np.all(np.abs(weight) <= LARGEST) else None


def _quantized(weight: NDArray[np.float32], axis: int) -> Narrowed | None:
    """`weight` as int8, with a scale for each output channel."""
    narrow = rounded(weight, axis)
    quantization = schema().QuantizationParametersT()
    quantization.scale, quantization.quantizedDimension = narrow.scales.reshape(-1), axis
    quantization.zeroPoint = np.zeros(narrow.scales.size, np.int64)
    return narrow.values, quantization


def _widened(model: Any, place: int, numeric: str, values: NDArray[Any], quantization: Any) -> Any:
    """The operator that widens `values`, which become a new constant, to the tensor at `place`."""
    classes, graph = schema(), model.subgraphs[0]
    wide, narrow, buffer = graph.tensors[place], classes.TensorT(), classes.BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
    model.buffers[wide.buffer] = buffer
    narrow.name, narrow.shape = b"narrow_" + wide.name, wide.shape
    narrow.type = getattr(classes.TensorType, numeric.upper())
    narrow.buffer, narrow.quantization, narrow.hasRank = wide.buffer, quantization, True
    wide.buffer = 0
    graph.tensors.append(narrow)
    operator = classes.OperatorT()
    operator.opcodeIndex = _dequantize(model, numeric)
    operator.inputs, operator.outputs = [len(graph.tensors) - 1], [place]
    return operator


def _dequantize(model: Any, numeric: str) -> int:
    """The index of DEQUANTIZE among the model's operator codes, where it is added if need be."""
    number = schema().BuiltinOperator.DEQUANTIZE
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == number:
            return index
    code = schema().OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = number
    code.version = DEQUANTIZE_VERSIONS[numeric]
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
