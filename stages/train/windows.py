"""The windows of many samples, of which each has one or more, as one array."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """`values`: [all windows, ...] float32; row r has those from `starts[r]` to `starts[r + 1]`."""

    values: NDArray[np.float32]
    starts: Indices

    @classmethod
    def of(cls, rows: Sequence[NDArray[np.float32]]) -> "Windows":
        """Those of `rows`, each [windows, ...]."""
        counts = [len(one) for one in rows]
        return cls(np.concatenate(rows), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def drawn(self, rows: Indices, rng: np.random.Generator) -> NDArray[np.float32]:
        """One window of each of `rows`: [rows, ...]."""
        first, counts = self.starts[rows], np.diff(self.starts)[rows]
        shown: NDArray[np.float32] = self.values[first + rng.integers(0, counts)]
        return shown

    def all_of(self, rows: Indices) -> tuple[NDArray[np.float32], Indices]:
        """All windows of `rows`, and for each of them the place in `rows` that it belongs to."""
        counts = np.diff(self.starts)[rows]
        places = np.repeat(np.arange(len(rows)), counts)
        spans = [np.arange(*self.starts[row : row + 2]) for row in rows]
        return self.values[np.concatenate(spans)], places
