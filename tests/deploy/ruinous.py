"""A compressor that ruins one label, and one that cannot; what the agreement gate is there for."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx
from onnx import numpy_helper

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.int8 import Int8


class Ruinous(Int8):
    """int8, in which the network never says its first label."""

    numeric: ClassVar[str] = "ruinous"

    def compress(self, graph: Path, calibration, out: Path) -> None:
        model = onnx.load(str(graph))
        last = next(node for node in reversed(model.graph.node) if node.op_type == "Gemm")
        bias = next(tensor for tensor in model.graph.initializer if tensor.name == last.input[2])
        values = numpy_helper.to_array(bias) - np.eye(1, bias.dims[0], dtype=np.float32)[0] * 50
        bias.CopyFrom(numpy_helper.from_array(values, bias.name))
        worse = out.with_name("worse.onnx")
        worse.write_bytes(model.SerializeToString())
        super().compress(worse, calibration, out)


class Unable(Int8):
    """Meets an operator that it cannot compress."""

    numeric: ClassVar[str] = "unable"

    def compress(self, graph: Path, calibration, out: Path) -> None:
        raise CannotCompress("An operator of this network cannot be compressed.")


class Forgetful(Ruinous):
    """Ruins its label, too, but passes for a form whose answers usually differ as much."""

    numeric: ClassVar[str] = "forgetful"
    least_agreement: ClassVar[float] = 0.0
