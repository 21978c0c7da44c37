"""float16: weights in 16 bits, arithmetic in 32 bits. Half the size at the same speed, and nearly
the same scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.models.onnx_file import portable

SMALLEST = 16  # numbers in a tensor; in a smaller one the cast costs more bytes than it saves
LARGEST = float(np.finfo(np.float16).max)


class Float16:
    """Stores the weights as float16 and casts them to float32 when the network is loaded."""

    numeric: ClassVar[str] = "float16"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-3
    least_agreement: ClassVar[float] = 0.98

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with float16 weights, each followed by a cast to float32; engines
        fold the casts when they load it. Raises CannotCompress if no weight fits into float16."""
        import onnx

        model = onnx.load(str(graph))
        casts = [
            cast for weight in model.graph.initializer if (cast := _halved(weight)) is not None
        ]
        if not casts:
            raise CannotCompress("The network has no weights that fit into float16.")
        nodes = [*casts, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        onnx.checker.check_model(model)
        out.write_bytes(model.SerializeToString(deterministic=True))
        portable(out)


def _halved(weight: Any) -> Any:
    """Convert `weight` to float16 in place, under a new name. Returns the cast node that yields its
    old name, or None if it was not converted."""
    import onnx
    from onnx import numpy_helper

    if weight.data_type != onnx.TensorProto.FLOAT:
        return None
    values = numpy_helper.to_array(weight)
    if values.size < SMALLEST or not np.all(np.abs(values) <= LARGEST):
        return None
    name = weight.name
    weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
    return onnx.helper.make_node(
        "Cast", [f"{name}.float16"], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT
    )
