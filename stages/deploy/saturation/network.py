"""The sums of all 8-bit layers of a network on prepared samples."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.deploy.saturation.layers import Bytes, Layer, layers_of
from stages.deploy.saturation.pair_sums import PairSums, pair_sums
from stages.runtime.backends.onnxruntime import OnnxRuntime

BATCH = 8  # windows at once: the activations of all layers of these are in memory
LARGEST_ACTIVATION = 255
LARGEST_SUM = 2**31 - 1


class LayerSums(NamedTuple):
    """Of one layer: its pair sums; the largest sum of products that any input could make; the
    lowest weight."""

    layer: str
    pairs: PairSums
    bound: int
    lowest_weight: int


class NetworkSums(NamedTuple):
    """The pair sums of each 8-bit layer on so many `samples`, which have so many `windows`.

    They are those of activations that were added in 32 bits. If none saturates, adding in 16 bits
    would have given the same activations; if some do, later layers would see others."""

    samples: int
    windows: int
    layers: tuple[LayerSums, ...]

    @property
    def total(self) -> int:
        return sum(one.pairs.total for one in self.layers)

    @property
    def saturated(self) -> int:
        return sum(one.pairs.saturated for one in self.layers)

    @property
    def saturating_layers(self) -> list[str]:
        return [one.layer for one in self.layers if one.pairs.saturated]

    @property
    def share_of_32_bits(self) -> float:
        """The largest sum that any input could make, as a share of what 32 bits hold."""
        return max((one.bound for one in self.layers), default=0) / LARGEST_SUM

    @property
    def figures(self) -> dict[str, Any]:
        """In short, as JSON."""
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
            "layers": [_plain(one) for one in self.layers],
        }


def read_network_sums(record: dict[str, Any]) -> NetworkSums:
    """What `NetworkSums.record` gave."""
    layers = [
        LayerSums(one["layer"], PairSums(*one["pairs"]), one["bound"], one["lowest_weight"])
        for one in record["layers"]
    ]
    return NetworkSums(record["samples"], record["windows"], tuple(layers))


def network_sums(graph: Path, samples: Iterable[NDArray[np.float32]]) -> NetworkSums:
    """Count the pair sums of the network in the file `graph` on `samples`, windows [m, ...] each.

    Raises NotCounted if a layer is of a kind that is not known."""
    layers = layers_of(graph)
    found = [PairSums(0, 0, 0)] * len(layers)
    counted = _Counted(samples)
    windows = 0
    for batch, activations in _activations(graph, layers, counted):
        windows += batch
        new = (pair_sums(layer, activations[layer.activations]) for layer in layers)
        found = [_added(*one) for one in zip(found, new, strict=True)]
    return NetworkSums(counted.count, windows, tuple(map(_layer_sums, layers, found)))


class _Counted:
    """Iterates over `samples` and knows how many there were."""

    def __init__(self, samples: Iterable[NDArray[np.float32]]) -> None:
        self.samples = samples
        self.count = 0

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for sample in self.samples:
            self.count += 1
            yield sample


def _added(one: PairSums, other: PairSums) -> PairSums:
    furthest = max(one.furthest, other.furthest)
    return PairSums(one.total + other.total, one.saturated + other.saturated, furthest)


def _layer_sums(layer: Layer, pairs: PairSums) -> LayerSums:
    absolute = np.abs(layer.ordered.astype(np.int64)).sum(axis=1).max()
    bound = int(absolute) * LARGEST_ACTIVATION
    return LayerSums(layer.output, pairs, bound, int(layer.weights.min()))


def _plain(one: LayerSums) -> dict[str, Any]:
    return {**one._asdict(), "pairs": list(one.pairs)}


def _activations(
    graph: Path, layers: list[Layer], samples: Iterable[NDArray[np.float32]]
) -> Iterator[tuple[int, dict[str, Bytes]]]:
    """For a few windows at a time: how many, and the 8-bit input of each layer by its name."""
    import onnx

    model = onnx.load(str(graph))
    names = list(dict.fromkeys(one.activations for one in layers))
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
