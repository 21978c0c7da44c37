"""Weights in 16 bits, arithmetic in 32: half the size, the same speed, nearly the same scores."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.models.onnx_file import portable

SMALLEST = 16  # numbers; below that a cast costs more bytes than it saves
LARGEST = float(np.finfo(np.float16).max)


class Float16:
    numeric: ClassVar[str] = "float16"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = False
    tolerance: ClassVar[float] = 1e-3
    least_agreement: ClassVar[float] = 0.98

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` with its weights as float16, each followed by a cast to float32.

        Engines fold the casts when they load. Raises CannotCompress if no weight fits."""
        import onnx

        model = onnx.load(str(graph))
        casts = [cast for one in model.graph.initializer if (cast := _halved(one)) is not None]
        if not casts:
            raise CannotCompress("The network has no weights that fit into float16.")
        nodes = [*casts, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        onnx.checker.check_model(model)
        out.write_bytes(model.SerializeToString(deterministic=True))
        portable(out)


def _halved(weight: Any) -> Any:
    """Make `weight` float16 in place under a new name; the cast to its old name, or None."""
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
