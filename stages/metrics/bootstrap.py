"""The seeded bootstrap: how a measure varies over resamples of the test.

Efron (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
_BLOCK = 4_000_000  # numbers in memory at once

Numbers = NDArray[np.float64]


def confusions(confusion: Numbers, n: int, seed: int) -> Numbers:
    """Confusion matrices of RESAMPLES resamples of `n` samples each, drawn from the shares in
    `confusion`: [resamples, labels, labels].

    Drawing n samples with replacement and counting them equals drawing the counts from a
    multinomial over the cells. That costs the same for ten samples as for a million."""
    rng = np.random.default_rng(seed)
    shares = confusion.ravel() / confusion.sum()
    used = np.flatnonzero(shares)
    drawn = np.zeros((RESAMPLES, shares.size))
    drawn[:, used] = rng.multinomial(n, shares[used], size=RESAMPLES)
    return drawn.reshape(RESAMPLES, *confusion.shape)


def means(values: Numbers, seed: int) -> Numbers:
    """The means of RESAMPLES resamples of `values` [n]: [resamples]."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(values))
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    picks = (rng.integers(len(values), size=(size, len(values))) for size in sizes)
    return np.concatenate([values[pick].mean(axis=1) for pick in picks])


def ratios(sums: Numbers, sizes: Numbers, seed: int) -> Numbers:
    """The means over samples in RESAMPLES resamples of groups with the given `sums` and `sizes`:
    [resamples]."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(sums))
    parts = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    picks = (rng.integers(len(sums), size=(part, len(sums))) for part in parts)
    return np.concatenate([sums[pick].sum(axis=1) / sizes[pick].sum(axis=1) for pick in picks])
