"""Workers that teach one model together, as each of them sees the others."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Group(Protocol):
    """`rank`: this worker's number, from 0; `world`: how many there are. Every worker makes the
    same calls in the same order."""

    rank: int
    world: int

    def sum(self, vector: Floats) -> Floats:
        """The sum of all workers' vectors, the same for every worker."""
        ...

    def gather(self, value: Any) -> list[Any]:
        """All workers' values, by rank."""
        ...


class Alone:
    """A group of one."""

    rank = 0
    world = 1

    def sum(self, vector: Floats) -> Floats:
        return vector

    def gather(self, value: Any) -> list[Any]:
        return [value]
