"""Balances labels in training that have different numbers of samples.

Rare labels can get a larger weight in the loss, be sampled more often, or both with the square root
of the factor each (square-root sampling: Mahajan et al., arXiv 1805.00932). In all three cases the
expected contribution of every label to the loss is the same. Very large weights make gradient steps
uneven, and many repetitions overfit a few samples, so each does half for a strong imbalance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]

# for 'auto', by the imbalance (see `imbalance`)
BALANCED_UP_TO = 1.5  # labels are not balanced
WEIGHTS_UP_TO = 10.0  # weights; beyond it both, which do as well (tests/benchmarks/small_data.py)


class Balance(NamedTuple):
    """A way to balance labels, named as in `train.search_space.class_balance`. A label's rarity is
    1 over its number of samples; `weights` and `sampling` are the exponents of the rarity in its
    weight in the loss and in the factor by which each of its samples is sampled more often."""

    name: str
    weights: float = 0.0
    sampling: float = 0.0


NONE = Balance("none")
WEIGHTS = Balance("weights", weights=1.0)
SAMPLING = Balance("sampling", sampling=1.0)
BOTH = Balance("both", weights=0.5, sampling=0.5)
BY_NAME = {balance.name: balance for balance in (NONE, WEIGHTS, SAMPLING, BOTH)}


def balance_of(wanted: str, counts: Indices) -> Balance:
    """The balance called `wanted`; for 'auto', the one that fits `counts` [labels], the numbers of
    rows of each label."""
    if wanted != "auto":
        return BY_NAME[wanted]
    factor = imbalance(counts)
    return NONE if factor <= BALANCED_UP_TO else WEIGHTS if factor <= WEIGHTS_UP_TO else BOTH


def imbalance(counts: Indices) -> float:
    """The number of rows of the most frequent label over that of the rarest, in `counts` [labels];
    labels without rows are ignored."""
    present = counts[counts > 0]
    return float(present.max() / present.min())


def label_weights(counts: Indices, power: float = 1.0) -> Floats:
    """The weight of each label in the loss, [labels]: its rarity (1 over its number of rows in
    `counts`) to the `power`, scaled so that the mean weight of a row is 1."""
    rarity = np.maximum(counts, 1).astype(np.float64) ** -power
    weights: Floats = (rarity * counts.sum() / (rarity * counts).sum()).astype(np.float32)
    return weights


def sample_indices(labels: Indices, power: float, rng: np.random.Generator) -> Indices:
    """Shuffled indices into `labels` [n] for one epoch: again n, in which rare labels come more
    often. A label's share is proportional to its count to the power of 1 - `power`: 0 keeps the
    shares, 1 makes them equal. No index of a label is repeated before all of them have come
    once."""
    shuffled = rng.permutation(len(labels))
    if not power:
        return shuffled
    counts = np.bincount(labels)
    shares = np.where(counts, np.maximum(counts, 1.0) ** (1 - power), 0)
    wanted = _round_to_whole(shares / shares.sum() * len(labels))
    repeated = [
        np.resize(shuffled[labels[shuffled] == label], count) for label, count in enumerate(wanted)
    ]
    return rng.permutation(np.concatenate(repeated))


def _round_to_whole(shares: NDArray[np.float64]) -> Indices:
    """`shares` rounded to whole numbers with the same sum; the largest remainders are rounded
    up."""
    floor = np.floor(shares + 1e-9).astype(np.int64)
    rest = round(float(shares.sum())) - int(floor.sum())
    order = np.argsort(floor - shares, kind="stable")
    floor[order[:rest]] += 1
    return floor
