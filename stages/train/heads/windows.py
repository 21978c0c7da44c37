"""The windows of many samples, each with one or more, as one array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """`values`: [all windows, ...] float32 or float16; row r has those from `starts[r]` to
    `starts[r + 1]`."""

    values: NDArray[np.floating[Any]]
    starts: Indices

    @classmethod
    def of(cls, rows: Sequence[NDArray[np.floating[Any]]]) -> "Windows":
        """Those of `rows`, each [windows, ...]."""
        counts = [len(row) for row in rows]
        return cls(np.concatenate(rows), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))

    @property
    def nbytes(self) -> int:
        return self.values.nbytes

    def drawn(self, rows: Indices, rng: np.random.Generator) -> NDArray[np.float32]:
        """One window of each of `rows`: [rows, ...] float32."""
        first, counts = self.starts[rows], np.diff(self.starts)[rows]
        shown: NDArray[np.float32] = self.values[first + rng.integers(0, counts)].astype(np.float32)
        return shown

    def all_of(self, rows: Indices) -> tuple[NDArray[np.floating[Any]], Indices]:
        """All windows of `rows`, and for each window the index into `rows` of its row."""
        counts = np.diff(self.starts)[rows]
        places = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.values[self.starts[rows][places] + within], places


def means(logits: NDArray[np.float32], places: Indices) -> NDArray[np.float32]:
    """The mean of the rows of `logits` that have the same place."""
    sums = np.zeros((places[-1] + 1, logits.shape[1]))
    np.add.at(sums, places, logits)
    mean: NDArray[np.float32] = (sums / np.bincount(places)[:, None]).astype(np.float32)
    return mean
