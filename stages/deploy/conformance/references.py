"""What the reference, the numpy engine, answers to a network's windows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.deploy.conformance.networks import input_of, task_of
from stages.deploy.device.untrained_network import windows_of
from stages.deploy.exporters.numpy_network import packed
from stages.deploy.exporters.onnx import GRAPH
from stages.parts import FAMILIES
from stages.runtime.backends.numpy_engine import NumpyEngine

SMALLEST = 96  # pixels, the least side of the second size
WINDOWS = 4  # of each network


@dataclass(frozen=True)
class ReferenceNetwork:
    """A network and what the reference answers. `graphs`: a folder with graph.onnx, graph.json and
    graph.pdiparams; `name`: family@size; `windows`: [n, ...]; `answers`: the outputs by name, each
    [n, ...], in the network's order."""

    name: str
    graphs: Path
    windows: NDArray[np.float32]
    answers: dict[str, NDArray[np.float32]]

    @property
    def scale(self) -> dict[str, float]:
        """The largest number of each output."""
        return {name: float(np.abs(values).max()) for name, values in self.answers.items()}


def with_answers(
    family: str, graphs: Path, sizes: Sequence[int] = ()
) -> Iterator[ReferenceNetwork]:
    """The network of `family` in the folder `graphs`, at each of `sizes` (all of `sizes_of` if none
    is named), with the reference's answers."""
    (graphs / "model.npz").write_bytes(packed(graphs / GRAPH))
    engine = NumpyEngine(graphs / "model.npz")
    for size in sizes or sizes_of(family):
        model_input = input_of(family, size)
        windows = windows_of(model_input, task_of(family))[:WINDOWS]
        answers = engine.run({engine.inputs[0]: windows})
        yield ReferenceNetwork(model_input.name, graphs, windows, answers)


def sizes_of(family: str) -> list[int]:
    """The sizes at which `family` is compared: its own, and for pictures about half of that."""
    found = FAMILIES[family]
    if found.takes != "pictures":
        return [found.size]
    half = max(SMALLEST, found.size // 2)
    return list(dict.fromkeys([found.size, half - half % found.multiple]))
