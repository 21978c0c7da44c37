"""int8: weights and activations in 8 bits, by ONNX Runtime's static quantization.

`int8` takes the ranges of activations from their minimum and maximum; `int8_percentile`, another
calibration of ONNX Runtime, leaves out rare large values. Its third, entropy, with its own settings
(128 bins, 128 levels) gives the full range, and with more bins takes their square in time."""

import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.deploy.compressors import CannotCompress
from stages.deploy.compressors.bias_correction import correct_biases
from stages.deploy.compressors.output_correction import correct_output
from stages.models.onnx_file import portable
from stages.runtime.quiet import quiet

DEQUANTISE = "DequantizeLinear"
DEVIATION = "Sqrt"  # the operator that only statistics of inner maps have


class Int8:
    """Quantizes activations to uint8 and weights to int8 with a scale for each channel: of the
    schemes that were tried, the only one that keeps the answers and is faster on ordinary
    processors."""

    numeric: ClassVar[str] = "int8"
    format: ClassVar[str] = "onnx"
    needs_samples: ClassVar[bool] = True
    tolerance: ClassVar[float] = 0.05
    least_agreement: ClassVar[float] = 0.85
    method: ClassVar[str] = "MinMax"  # of onnxruntime.quantization.CalibrationMethod

    def compress(self, graph: Path, calibration: Sequence[NDArray[np.float32]], out: Path) -> None:
        """Write the quantized `graph` to `out`, with corrected biases and outputs, and with
        ranges on `calibration`.

        Raises CannotCompress if there are no samples or an operator cannot be quantized."""
        if not calibration:
            raise CannotCompress(f"There are no training samples to calibrate {self.numeric} with.")
        try:
            with quiet(), _unheard(), TemporaryDirectory() as folder:
                corrected = Path(folder) / "corrected.onnx"
                correct_biases(graph, calibration, corrected)
                floats = self.float_nodes(corrected, calibration)
                _quantise(corrected, calibration, out, self.method, floats)
                correct_output(graph, out, calibration)
                _give_each_layer_its_weights(out)
                portable(out)
        except CannotCompress:
            raise
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            raise CannotCompress(f"ONNX Runtime cannot quantise this network: {error}.") from error

    def float_nodes(self, graph: Path, calibration: Sequence[NDArray[np.float32]]) -> list[str]:
        """The names of the nodes of `graph` that stay in float."""
        return _behind_statistics(graph)


class Int8Percentile(Int8):
    """int8 with ranges that hold 99.999 % of the values of each activation in a batch, in the mean
    over the batches."""

    numeric: ClassVar[str] = "int8_percentile"
    method: ClassVar[str] = "Percentile"


class Int8BeforeBoxes(Int8):
    """int8 for detectors that place their boxes themselves: what follows the last convolutions
    stays in float, as edges in pixels and scores have different scales."""

    def float_nodes(self, graph: Path, calibration: Sequence[NDArray[np.float32]]) -> list[str]:
        """As in Int8. Names the nodes of the file `graph` that have none."""
        return _behind_convolutions(named_nodes(graph).graph.node)


def named_nodes(graph: Path) -> Any:
    """The model in the file `graph`, after its nodes without a name got one there, by which they
    can be excluded."""
    import onnx

    model = onnx.load(str(graph))
    for place, node in enumerate(model.graph.node):
        node.name = node.name or f"node_{place}"
    graph.write_bytes(model.SerializeToString(deterministic=True))
    return model


def _quantise(
    graph: Path,
    calibration: Sequence[NDArray[np.float32]],
    out: Path,
    method: str,
    floats: list[str],
) -> None:
    from onnxruntime import quantization as ort

    ranges = out.with_name(f"{out.name}.ranges.json")
    if method != "MinMax":
        _save_ranges(graph, calibration, method, ranges)
    try:
        ort.quantize_static(
            str(graph),
            str(out),
            _reader(graph, calibration),
            quant_format=ort.QuantFormat.QDQ,
            activation_type=ort.QuantType.QUInt8,
            weight_type=ort.QuantType.QInt8,
            per_channel=True,
            calibrate_method=ort.CalibrationMethod[method],
            nodes_to_exclude=floats,
            calibration_cache_path=ranges if ranges.exists() else None,
        )
    finally:
        ranges.unlink(missing_ok=True)


def _save_ranges(
    graph: Path, calibration: Sequence[NDArray[np.float32]], method: str, out: Path
) -> None:
    """Write the ranges of all activations of `graph` to `out`: the means of those of the batches.
    Each batch has histograms of its own, so that memory is bounded: called once for all of them,
    ONNX Runtime would hold every activation of every sample, and one histogram for all grows
    without a bound where a later value is far larger than the first ones."""
    from onnxruntime import quantization as ort

    found = [_ranges_of_batch(graph, batch, method) for batch in calibration]
    means = {
        name: np.mean([ranges[name] for ranges in found], axis=0).astype(np.float32)
        for name in found[0]
    }
    data = {name: ort.TensorData(lowest=low, highest=high) for name, (low, high) in means.items()}
    ort.save_tensors_data(ort.TensorsData(ort.CalibrationMethod[method], data), out)


def _ranges_of_batch(
    graph: Path, batch: NDArray[np.float32], method: str
) -> dict[str, tuple[float, float]]:
    """The lowest and highest value of each activation of `graph` on `batch`, by its name."""
    from onnxruntime import quantization as ort

    with TemporaryDirectory() as folder:
        calibrator = ort.create_calibrator(
            graph,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=ort.CalibrationMethod[method],
            extra_options={"symmetric": False},
        )
        with redirect_stdout(io.StringIO()):  # it prints its progress
            calibrator.collect_data(_reader(graph, [batch]))
            found = calibrator.compute_data()
    pairs = {name: ranges.range_value for name, ranges in found.items()}
    return {name: (float(low), float(high)) for name, (low, high) in pairs.items()}


def _behind_statistics(path: Path) -> list[str]:
    """The names of the nodes from which no convolution follows, if the network computes statistics
    of inner maps; else none. These nodes stay in float: deviations, maxima and means have different
    scales, and one scale of 8 bits for all would lose the small ones. They are a small part of the
    network's work."""
    nodes = _nodes(path)
    return _behind_convolutions(nodes) if any(each.op_type == DEVIATION for each in nodes) else []


def _nodes(path: Path) -> Sequence[Any]:
    import onnx

    nodes: Sequence[Any] = onnx.load(str(path), load_external_data=False).graph.node
    return nodes


def _behind_convolutions(nodes: Sequence[Any]) -> list[str]:
    """The names of the `nodes` from which no convolution follows."""
    before_convolutions: set[str] = set()
    behind = []
    for node in reversed(nodes):  # nodes are in topological order
        if node.op_type == "Conv" or before_convolutions & set(node.output):
            before_convolutions.update(node.input)
        else:
            behind.append(node.name)
    return behind


def _give_each_layer_its_weights(path: Path) -> None:
    """Copy weights that several layers share, as in heads of detectors, for each of them: with
    session.x64quantprecision, ONNX Runtime cannot load a network with shared weights."""
    import onnx

    model = onnx.load(str(path))
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    makers = {node.output[0]: node for node in model.graph.node if node.op_type == DEQUANTISE}
    taken: set[str] = set()
    copies = []
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            maker = makers.get(name)
            if maker is None or not set(maker.input) <= set(tensors):
                continue
            if name in taken:
                node.input[place] = f"{name}.{node.output[0]}"
                copies.append(_copy(maker, node.input[place], node.output[0], tensors, model.graph))
            taken.add(name)
    if copies:
        nodes = [*copies, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
        path.write_bytes(model.SerializeToString(deterministic=True))


def _copy(node: Any, output: str, suffix: str, tensors: Mapping[str, Any], graph: Any) -> Any:
    """A copy of `node` and of its constant inputs."""
    import onnx

    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name, copy.output[0] = f"{node.name}.{suffix}", output
    for place, name in enumerate(node.input):
        copy.input[place] = f"{name}.{suffix}"
        graph.initializer.add().CopyFrom(tensors[name])
        graph.initializer[-1].name = copy.input[place]
    return copy


@contextmanager
def _unheard() -> Iterator[None]:
    """Suppress the messages about every layer that the quantizer sends to the root logger."""

    def wanted(record: logging.LogRecord) -> bool:
        return Path(record.pathname).parent.name not in ("quantization", "operators")

    logging.getLogger().addFilter(wanted)
    try:
        yield
    finally:
        logging.getLogger().removeFilter(wanted)


def _reader(graph: Path, calibration: Sequence[NDArray[np.float32]]) -> Any:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader

    name = onnx.load(str(graph), load_external_data=False).graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Hands out the calibration batches one by one."""

        def __init__(self) -> None:
            self.batches: Iterator[NDArray[np.float32]] = iter(calibration)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            batch = next(self.batches, None)
            return None if batch is None else {name: batch}

    return Reader()
