"""Class balance: how much labels count in training that have fewer samples than others.

Rare labels can weigh more in the loss, be sampled more often, or half of each: the square root of
the weight and the square root of the sampling rate. With all three, labels count alike in the mean.
Very large weights make gradient steps uneven, and many repetitions overfit a few samples, so that
for a strong imbalance each does half (Mahajan et al., arXiv 1805.00932, temper both in the same
way)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

EVEN = 1.5  # up to this imbalance, labels count as they come
STRONG = 10.0  # beyond it, both did as well as weights (tests/benchmarks/small_data.py)


class Balance(NamedTuple):
    """Exponents of a label's rarity: of its `weights` in the loss, and of its `sampling` rate."""

    name: str
    weights: float = 0.0
    sampling: float = 0.0


NONE = Balance("none")
WEIGHTS = Balance("weights", weights=1.0)
SAMPLING = Balance("sampling", sampling=1.0)
BOTH = Balance("both", weights=0.5, sampling=0.5)
NAMED = {balance.name: balance for balance in (NONE, WEIGHTS, SAMPLING, BOTH)}


def balance_of(wanted: str, counts: Indices) -> Balance:
    """The balance called `wanted`; for 'auto', the one that fits the `counts` of rows by label."""
    if wanted != "auto":
        return NAMED[wanted]
    factor = imbalance(counts)
    return NONE if factor <= EVEN else WEIGHTS if factor <= STRONG else BOTH


def imbalance(counts: Indices) -> float:
    """How many times as many rows the most common label has as the rarest one present."""
    present = counts[counts > 0]
    return float(present.max() / present.min())


def label_weights(counts: Indices, power: float = 1.0) -> Floats:
    """A weight for each label: its rarity to the `power`, scaled to a mean of 1 over rows."""
    rarity = np.maximum(counts, 1).astype(np.float64) ** -power
    weights: Floats = (rarity * counts.sum() / (rarity * counts).sum()).astype(np.float32)
    return weights


def drawn(labels: Indices, power: float, rng: np.random.Generator) -> Indices:
    """As many indices into `labels` as there are, shuffled. A label's share is proportional to its
    count times its rarity to the `power`; no index of a label repeats before all have come once."""
    mixed = rng.permutation(len(labels))
    if not power:
        return mixed
    counts = np.bincount(labels)
    shares = np.where(counts, np.maximum(counts, 1.0) ** (1 - power), 0)
    wanted = _whole(shares / shares.sum() * len(labels))
    shown = [np.resize(mixed[labels[mixed] == label], count) for label, count in enumerate(wanted)]
    return rng.permutation(np.concatenate(shown))


def _whole(shares: NDArray[np.float64]) -> Indices:
    """`shares` rounded to whole numbers with the same sum; the largest remainders are rounded
    up."""
    floor = np.floor(shares + 1e-9).astype(np.int64)
    rest = round(float(shares.sum())) - int(floor.sum())
    order = np.argsort(floor - shares, kind="stable")
    floor[order[:rest]] += 1
    return floor
