"""Counts the pair sums of all 8-bit layers of a network on preprocessed samples."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.saturation.layers import Bytes, Layer, layers_of
from stages.deploy.saturation.pair_sums import PairSums, pair_sums
from stages.runtime.backends.onnxruntime import OnnxRuntime

BATCH = 8  # windows at once, whose activations of all layers are in memory
LARGEST_ACTIVATION = 255
LARGEST_SUM = 2**31 - 1


class LayerSums(NamedTuple):
    """One layer: its pair sums, the largest sum of products that any input could make (`bound`),
    and its lowest weight."""

    layer: str
    pairs: PairSums
    bound: int
    lowest_weight: int


class NetworkSums(NamedTuple):
    """The pair sums of each 8-bit layer, and the number of `samples` and their `windows` on which
    they were counted.

    The activations were computed in 32 bits. If no sum saturates, 16 bits give the same; if some
    do, later layers would get other inputs than were counted here."""

    samples: int
    windows: int
    layers: tuple[LayerSums, ...]

    @property
    def total(self) -> int:
        """The number of pair sums of all layers."""
        return sum(layer.pairs.total for layer in self.layers)

    @property
    def saturated(self) -> int:
        """The number of pair sums that exceed 16 bits."""
        return sum(layer.pairs.saturated for layer in self.layers)

    @property
    def saturating_layers(self) -> list[str]:
        """The names of the layers with a saturated pair sum."""
        return [layer.layer for layer in self.layers if layer.pairs.saturated]

    @property
    def share_of_32_bits(self) -> float:
        """The largest sum that any input could make, as a share of the largest 32-bit number."""
        return max((layer.bound for layer in self.layers), default=0) / LARGEST_SUM

    @property
    def figures(self) -> dict[str, Any]:
        """A summary as JSON."""
        return {
            "samples": self.samples,
            "windows": self.windows,
            "layers": len(self.layers),
            "pair_sums": self.total,
            "beyond_16_bits": self.saturated,
            "layers_beyond_16_bits": self.saturating_layers,
            "share_of_32_bits": self.share_of_32_bits,
        }

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "samples": self.samples,
            "windows": self.windows,
            "layers": [_plain(layer) for layer in self.layers],
        }


def read_network_sums(record: dict[str, Any]) -> NetworkSums:
    """Read what `NetworkSums.record` wrote."""
    layers = [
        LayerSums(layer["layer"], PairSums(*layer["pairs"]), layer["bound"], layer["lowest_weight"])
        for layer in record["layers"]
    ]
    return NetworkSums(record["samples"], record["windows"], tuple(layers))


def network_sums(graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
    """Count the pair sums of the network in the file `graph` on `samples`, windows [m, ...] each.

    Raises NotCounted if a layer is of an unknown kind."""
    layers = layers_of(graph)
    found = [PairSums(0, 0, 0)] * len(layers)
    counted = _Counted(samples)
    windows = 0
    for batch, activations in _activations(graph, layers, counted):
        windows += batch
        new = (pair_sums(layer, activations[layer.activations]) for layer in layers)
        found = [_added(*pair) for pair in zip(found, new, strict=True)]
    return NetworkSums(counted.count, windows, tuple(map(_layer_sums, layers, found)))


class _Counted:
    """Iterates over `samples` and counts them."""

    def __init__(self, samples: Iterable[NDArray[np.float32]]) -> None:
        self.samples = samples
        self.count = 0

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for sample in self.samples:
            self.count += 1
            yield sample


def _added(first: PairSums, second: PairSums) -> PairSums:
    furthest = max(first.furthest, second.furthest)
    return PairSums(first.total + second.total, first.saturated + second.saturated, furthest)


def _layer_sums(layer: Layer, pairs: PairSums) -> LayerSums:
    absolute = np.abs(layer.ordered.astype(np.int64)).sum(axis=1).max()
    bound = int(absolute) * LARGEST_ACTIVATION
    return LayerSums(layer.output, pairs, bound, int(layer.weights.min()))


def _plain(layer: LayerSums) -> dict[str, Any]:
    return {**layer._asdict(), "pairs": list(layer.pairs)}


def _activations(
    graph: Path, layers: list[Layer], samples: Iterable[NDArray[np.float32]]
) -> Iterator[tuple[int, dict[str, Bytes]]]:
    """Yield, for a few windows at a time, their number and each layer's 8-bit input by name."""
    import onnx

    model = onnx.load(str(graph))
    names = list(dict.fromkeys(layer.activations for layer in layers))
    del model.graph.output[:]
    for name in names:
        kind = onnx.TensorProto.UINT8
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, None))
    if not names:
        return
    with TemporaryDirectory() as folder:
        shown = Path(folder) / "shown.onnx"
        shown.write_bytes(model.SerializeToString())
        engine = OnnxRuntime(shown, threads=1, numeric="int8")
        for batch in _batches(samples):
            yield len(batch), engine.run({engine.inputs[0]: batch})


def _batches(samples: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    waiting: list[NDArray[np.float32]] = []
    for windows in samples:
        waiting += list(windows)
        while len(waiting) >= BATCH:
            yield np.stack(waiting[:BATCH])
            waiting = waiting[BATCH:]
    if waiting:
        yield np.stack(waiting)
