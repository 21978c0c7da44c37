"""int8_weight_only: weights in 8 bits, arithmetic in 32-bit floats. A quarter of the size at the
speed of float32, without calibration; activations keep their precision."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.layer_weights import layers_with_weights, rounded
from stages.models.onnx_file import portable

SMALLEST = 256  # numbers in a tensor; for a smaller one two nodes cost more than they save


class Int8WeightOnly:
    """Stores the weights of layers as int8 with a scale for each output channel, and dequantises
    them in the graph."""

    numeric: ClassVar[str] = "int8_weight_only"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-3
    least_agreement: ClassVar[float] = 0.95

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with int8 weights, each followed by a cast and a product. Engines
        fold these when they load the network; a DequantizeLinear ONNX Runtime would compute anew
        for every sample, as it keeps them for its 8-bit kernels.

        Raises CannotCompress if no layer has weights that are large enough, or the file is none."""
        import onnx

        try:
            model = onnx.load(str(graph))
        except Exception as error:  # of protobuf, which is no public dependency
            raise CannotCompress(f"This network cannot be read: {error}.") from error
        nodes = _quantised(model.graph)
        if not nodes:
            raise CannotCompress(f"No layer of the network has {SMALLEST} weights or more.")
        nodes += model.graph.node
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        onnx.checker.check_model(model)
        out.write_bytes(model.SerializeToString(deterministic=True))
        portable(out)


def _quantised(graph: Any) -> list[Any]:
    """Replace the weights of the layers of `graph` by int8 ones; return the nodes that yield the
    weights under their old names."""
    from onnx.numpy_helper import to_array

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    axes = {layer.weights: layer.axis for layer in layers_with_weights(graph)}
    nodes = []
    for name, axis in axes.items():
        values = to_array(tensors[name])
        if values.dtype == np.float32 and values.size >= SMALLEST and np.isfinite(values).all():
            nodes += _dequantisation(graph, tensors[name], axis, values)
    return nodes


def _dequantisation(graph: Any, tensor: Any, axis: int, values: NDArray[np.float32]) -> list[Any]:
    """Put the rounded `values` in the place of `tensor`; return the nodes that yield it."""
    import onnx

    name, weights = tensor.name, rounded(values, axis)
    tensor.CopyFrom(onnx.numpy_helper.from_array(weights.values, f"{name}.int8"))
    graph.initializer.append(onnx.numpy_helper.from_array(weights.scales, f"{name}.scales"))
    cast = onnx.helper.make_node(
        "Cast", [f"{name}.int8"], [f"{name}.cast"], name=f"{name}.cast", to=onnx.TensorProto.FLOAT
    )
    product = onnx.helper.make_node(
        "Mul", [f"{name}.cast", f"{name}.scales"], [name], name=f"{name}.dequantised"
    )
    return [cast, product]
