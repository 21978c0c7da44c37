"""A small engine of numpy alone: slow, and plain enough to be read as the definition of what a
network computes. Other engines are compared with it; a device needs no further library.

Its file is an npz: the arrays of the network by name, and as `graph` a JSON text of its inputs,
outputs and nodes, in an order in which they can be computed. deploy/exporters/numpy_network.py
writes it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InfrastructureError
from . import numpy_shapes  # noqa: F401 - registers its layers
from .numpy_layers import LAYERS
from .sums import Sums

GRAPH = "graph"  # the name of the array that holds the JSON text, as bytes
TENSOR = "tensor"  # the key of an attribute that is an array of the network


class NumpyEngine:
    """Runs a .npz file, on one thread of its own; numpy may use more for large products."""

    format: ClassVar[str] = "numpy"
    libraries: ClassVar[tuple[str, ...]] = ("numpy",)

    @staticmethod
    def sums(numeric: str, instruction_set: str) -> Sums:
        """It adds in floating point, also numbers that were stored in 8 bits."""
        return Sums.FLOAT

    def __init__(
        self, model: Path, threads: int = 1, numeric: str = "float32", on: str | None = None
    ) -> None:
        """`threads`, `numeric` and `on` change nothing: there are no options.

        Raises InfrastructureError, naming the operator, if there is no layer for one of its
        nodes."""
        try:
            with np.load(model, allow_pickle=False) as archive:
                self._arrays = {name: _widened(archive[name]) for name in archive.files}
            graph = json.loads(self._arrays.pop(GRAPH).tobytes())
            self.inputs, self.outputs = tuple(graph["inputs"]), tuple(graph["outputs"])
            self._nodes = [_Node(node, self._arrays) for node in graph["nodes"]]
        except Exception as error:  # numpy raises nearly any on a file that is none of its own
            raise _failed(f"cannot load {model.name}", error) from error
        self._last = _last_uses(self._nodes, self.outputs)

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The network's outputs by name."""
        try:
            if set(inputs) != set(self.inputs):
                raise ValueError(f"the inputs are {', '.join(self.inputs)}")
            values = dict(inputs)
            for place, node in enumerate(self._nodes):
                values.update(zip(node.outputs, node.run(values, self._arrays), strict=False))
                for name in self._last.get(place, ()):
                    del values[name]
            return {name: np.asarray(values[name]) for name in self.outputs}
        except Exception as error:  # as above
            shapes = {name: value.shape for name, value in inputs.items()}
            raise _failed(f"cannot run on {shapes}", error) from error


class _Node:
    """One layer of a network, with its attributes and the names of its inputs and outputs."""

    def __init__(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        self.operator = record["operator"]
        if self.operator not in LAYERS:
            raise ValueError(f"there is no layer for the operator {self.operator}")
        self.layer = LAYERS[self.operator]
        self.inputs, self.outputs = record["inputs"], record["outputs"]
        self.attributes = {
            name: arrays[value[TENSOR]] if isinstance(value, dict) else value
            for name, value in record["attributes"].items()
        }

    def run(
        self, values: Mapping[str, NDArray[Any]], arrays: Mapping[str, NDArray[Any]]
    ) -> Sequence[NDArray[Any]]:
        """Its outputs, from the `values` computed so far and the network's `arrays`."""
        operands = [
            (values[name] if name in values else arrays[name]) if name else None
            for name in self.inputs
        ]
        try:
            found = self.layer(*operands, **self.attributes)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise ValueError(f"{self.operator} '{self.outputs[0]}': {error}") from error
        return found if isinstance(found, tuple) else (found,)


def _last_uses(nodes: Sequence[_Node], outputs: Sequence[str]) -> dict[int, list[str]]:
    """For each node, by its place, the values that no later one needs."""
    last: dict[str, int] = {}
    for place, node in enumerate(nodes):
        last.update(dict.fromkeys(node.outputs, place))
        computed = (name for name in node.inputs if name in last)
        last.update(dict.fromkeys(list(computed), place))
    frees: dict[int, list[str]] = {}
    for name, place in last.items():
        if name and name not in outputs:
            frees.setdefault(place, []).append(name)
    return frees


def _widened(array: NDArray[Any]) -> NDArray[Any]:
    """Weights that are stored in 16 bits are calculated with in 32."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _failed(what: str, error: Exception) -> InfrastructureError:
    return InfrastructureError(
        f"The numpy engine {what}: {' '.join(str(error).split())[:400]}",
        "Check that the package is whole (selftest), or make it again for another engine.",
    )
