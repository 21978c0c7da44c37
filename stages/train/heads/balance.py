"""How much a label counts in teaching that has fewer samples than others.

Rare labels can weigh more in the loss, be shown more often, or half of each: the square root of the
weight, the square root of the chance. All three count labels alike in the mean. Very large weights
make steps uneven, and many repetitions let a few samples be learnt by heart, so that for a strong
imbalance each does half (both are tempered likewise by Mahajan et al., arXiv 1805.00932)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

EVEN = 1.5  # the commonest label has at most so many times the samples of the rarest
STRONG = 10.0  # beyond, both did as well as weights (tests/benchmarks/small_data.py)


class Balance(NamedTuple):
    """Powers of a label's rarity: of its `weights` in the loss, of how often it is shown."""

    name: str
    weights: float = 0.0
    sampling: float = 0.0


NONE = Balance("none")
WEIGHTS = Balance("weights", weights=1.0)
SAMPLING = Balance("sampling", sampling=1.0)
BOTH = Balance("both", weights=0.5, sampling=0.5)
NAMED = {one.name: one for one in (NONE, WEIGHTS, SAMPLING, BOTH)}


def balance_of(wanted: str, counts: Indices) -> Balance:
    """The balance that is called `wanted`; for 'auto', what `counts` of rows by label ask for."""
    if wanted != "auto":
        return NAMED[wanted]
    factor = imbalance(counts)
    return NONE if factor <= EVEN else WEIGHTS if factor <= STRONG else BOTH


def imbalance(counts: Indices) -> float:
    """How many times as many rows the commonest label has as the rarest that has any."""
    present = counts[counts > 0]
    return float(present.max() / present.min())


def label_weights(counts: Indices, power: float = 1.0) -> Floats:
    """A weight for each label, its rarity to `power`; their mean over rows is 1."""
    rarity = np.maximum(counts, 1).astype(np.float64) ** -power
    weights: Floats = (rarity * counts.sum() / (rarity * counts).sum()).astype(np.float32)
    return weights


def drawn(labels: Indices, power: float, rng: np.random.Generator) -> Indices:
    """As many places in `labels` as there are, in an order of their own: each label's share goes by
    its rarity to `power`, and of a label no place comes twice before all have come once."""
    mixed = rng.permutation(len(labels))
    if not power:
        return mixed
    counts = np.bincount(labels)
    shares = np.where(counts, np.maximum(counts, 1.0) ** (1 - power), 0)
    wanted = _whole(shares / shares.sum() * len(labels))
    shown = [np.resize(mixed[labels[mixed] == one], count) for one, count in enumerate(wanted)]
    return rng.permutation(np.concatenate(shown))


def _whole(shares: NDArray[np.float64]) -> Indices:
    """Whole numbers near `shares` that add up as they do; the largest rests are rounded up."""
    floor = np.floor(shares + 1e-9).astype(np.int64)
    rest = round(float(shares.sum())) - int(floor.sum())
    order = np.argsort(floor - shares, kind="stable")
    floor[order[:rest]] += 1
    return floor
