"""Networks of ncnn in fewer bits. ncnn's own tools for this are in none of its packages, so its
files are written here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.as_exported import copy_network
from stages.deploy.compressors.float16 import LARGEST, Float16
from stages.deploy.compressors.int8 import Int8
from stages.deploy.compressors.ncnn_files import (
    FLOAT16,
    INT8,
    NcnnLayer,
    outputs_of,
    read_layers,
    weighted,
    write_layers,
)

IS_INT8 = 8  # the key of a layer's line that says how many scales there are: 1, of a layer
LEVELS = 127
SQUARE_ROOT = ("UnaryOp", "5")  # the layer and its operation, key 0, of statistics of inner maps
LEAST = 1e-9  # of a largest number, so that none is divided by zero


class NcnnFloat16(Float16):
    """Weights as float16; the engine widens them when it loads the network."""

    format: ClassVar[str] = "ncnn"

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write `graph` to `out` with float16 weights. Raises CannotCompress if none fits."""
        layers = read_layers(graph)
        fitting = [layer for layer in weighted(layers) if _largest(layer) <= LARGEST]
        if not fitting:
            raise CannotCompress("The network has no weights that fit into float16.")
        for layer in fitting:
            layer.stored = FLOAT16
        copy_network(graph, out)
        write_layers(layers, graph, out)


class NcnnInt8(Int8):
    """Weights as int8 with a scale for each output channel, activations as int8 with a scale for
    each layer, from the largest number on the calibration samples."""

    format: ClassVar[str] = "ncnn"

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write the quantized `graph` to `out`. Raises CannotCompress if there are no samples, or
        no layer can be quantized."""
        if not calibration:
            raise CannotCompress("There are no training samples to calibrate int8 with.")
        layers = read_layers(graph)
        chosen = _quantizable(layers)
        largest = _largest_inputs(graph, {layer.reads[0] for layer in chosen}, calibration)
        for layer in chosen:
            rows = np.abs(np.asarray(layer.weights).reshape(outputs_of(layer), -1)).max(axis=1)
            of_weights = (LEVELS / np.maximum(rows, LEAST)).astype(np.float32)
            layer.stored = INT8
            layer.scales = (of_weights, LEVELS / max(largest[layer.reads[0]], LEAST))
            layer.keys[IS_INT8] = "1"
        copy_network(graph, out)
        write_layers(layers, graph, out)


def _quantizable(layers: list[NcnnLayer]) -> list[NcnnLayer]:
    """The layers to quantize. Behind statistics of inner maps they stay in float, as in ONNX (see
    int8.py): those are the matrices. A depthwise layer has a scale for each group, which is one
    output; any other grouping is left in float."""
    statistics = any((layer.kind, layer.keys.get(0, "0")) == SQUARE_ROOT for layer in layers)
    chosen = [
        layer
        for layer in weighted(layers)
        if not (statistics and layer.kind == "InnerProduct")
        and not (layer.kind == "ConvolutionDepthWise" and layer.number(7, 1) != outputs_of(layer))
    ]
    if not chosen:
        raise CannotCompress("The network has no layer that ncnn runs in int8.")
    return chosen


def _largest(layer: NcnnLayer) -> float:
    return float(np.abs(np.asarray(layer.weights)).max(initial=0))


def _largest_inputs(
    graph: Path, blobs: set[str], calibration: Sequence[NDArray[np.float32]]
) -> dict[str, float]:
    """The largest absolute number of each of `blobs` on the samples of `calibration`."""
    import ncnn

    net: Any = ncnn.Net()
    net.opt.num_threads, net.opt.lightmode = 1, False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.load_param(str(graph))
    net.load_model(str(graph.with_suffix(".bin")))
    (first,) = net.input_names()
    largest = dict.fromkeys(blobs, 0.0)
    for batch in calibration:
        for window in batch:
            with net.create_extractor() as extractor:
                extractor.set_light_mode(False)
                extractor.input(first, ncnn.Mat(np.ascontiguousarray(window)).clone())
                for blob in blobs:
                    _, values = extractor.extract(blob)
                    largest[blob] = max(largest[blob], float(np.abs(np.array(values)).max()))
    return largest
