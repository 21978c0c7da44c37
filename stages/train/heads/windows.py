"""Holds the windows of many rows in one array; each row has one or more. A window is what a network
takes at once: a picture, or a part of a clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """`values`: [all windows, ...], float32 or float16; `starts`: [rows + 1]; the windows of row r
    are those from `starts[r]` up to `starts[r + 1]`."""

    values: NDArray[np.floating[Any]]
    starts: Indices

    @classmethod
    def of(cls, rows: Sequence[NDArray[np.floating[Any]]]) -> "Windows":
        """The windows of `rows`, each an array [windows, ...]."""
        counts = [len(row) for row in rows]
        return cls(np.concatenate(rows), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes of all windows."""
        return self.values.nbytes

    def random_windows(self, rows: Indices, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random window of each of `rows` (indices [n]): [n, ...] float32."""
        first, counts = self.starts[rows], np.diff(self.starts)[rows]
        sampled: NDArray[np.float32] = self.values[first + rng.integers(0, counts)].astype(
            np.float32
        )
        return sampled

    def all_of(self, rows: Indices) -> tuple[NDArray[np.floating[Any]], Indices]:
        """All windows of `rows` (indices [n]), [m, ...], and for each window the index into `rows`
        of its row, [m]."""
        counts = np.diff(self.starts)[rows]
        row_indices = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.values[self.starts[rows][row_indices] + within], row_indices


def mean_per_row(logits: NDArray[np.float32], row_indices: Indices) -> NDArray[np.float32]:
    """The mean logits of each row, [rows, labels]. `logits` [windows, labels]; `row_indices`
    [windows], ascending: the row of each window, as `Windows.all_of` returns them."""
    sums = np.zeros((row_indices[-1] + 1, logits.shape[1]))
    np.add.at(sums, row_indices, logits)
    mean: NDArray[np.float32] = (sums / np.bincount(row_indices)[:, None]).astype(np.float32)
    return mean
