"""The seeded bootstrap: what else the same test might have shown, had other samples come.

Efron (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26."""

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
_BLOCK = 4_000_000  # numbers held at once

Numbers = NDArray[np.float64]


def confusions(confusion: NDArray[np.int64], seed: int) -> Numbers:
    """Resampled confusion matrices, [resamples, labels, labels].

    To draw n samples with replacement and count them is to draw the counts from a multinomial
    over the cells, which costs the same for ten samples as for a million."""
    rng = np.random.default_rng(seed)
    counts = confusion.ravel()
    used = np.flatnonzero(counts)
    total = int(counts.sum())
    drawn = np.zeros((RESAMPLES, counts.size))
    drawn[:, used] = rng.multinomial(total, counts[used] / total, size=RESAMPLES)
    return drawn.reshape(RESAMPLES, *confusion.shape)


def means(values: Numbers, seed: int) -> Numbers:
    """Means of resampled `values` ([n]), [resamples]."""
    rng = np.random.default_rng(seed)
    rows = max(1, _BLOCK // len(values))
    sizes = [min(rows, RESAMPLES - start) for start in range(0, RESAMPLES, rows)]
    picks = (rng.integers(len(values), size=(size, len(values))) for size in sizes)
    return np.concatenate([values[pick].mean(axis=1) for pick in picks])


def correlation(resampled: Numbers) -> Numbers:
    """How the columns of `resampled` ([resamples, k]) move together, [k, k].

    A column that never moves (a label without a mistake) tells nothing about its errors; it is
    taken to move with all others, which makes an interval wider, never narrower."""
    k = resampled.shape[1]
    moving = np.flatnonzero(resampled.std(axis=0) > 1e-12)
    whole = np.ones((k, k))
    if len(moving) > 1:
        whole[np.ix_(moving, moving)] = np.corrcoef(resampled[:, moving], rowvar=False)
    np.fill_diagonal(whole, 1.0)
    return whole
