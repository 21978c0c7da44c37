"""A factorised policy: an independent categorical distribution for each dimension, whose logits are
the parameters, with an Adam optimizer (Kingma and Ba, arXiv 1412.6980) that ascends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.train.search.search_space import Categorical

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
DECAYS = (0.9, 0.999)  # of Adam's two moments
TINY = 1e-8


class Policy:
    """The policy over `space`, uniform at first. A set is held as a code: for each dimension the
    index of its value. `rate`: Adam's.

    `logits`: [dimensions, most values], minus infinity where a dimension has fewer values."""

    def __init__(self, space: Sequence[Categorical], rate: float) -> None:
        self.space, self.rate = space, rate
        counts = np.array([len(dimension.values) for dimension in space])
        self.is_value = np.arange(counts.max()) < counts[:, None]
        self.logits: Floats = np.where(self.is_value, 0.0, -np.inf)
        self.moments = [np.zeros(self.logits.shape) for _ in DECAYS]
        self.steps = 0

    @property
    def probabilities(self) -> Floats:
        """The probability of each value, [dimensions, most values]."""
        powers = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares

    @property
    def entropy_share(self) -> float:
        """The mean entropy of the dimensions that have a choice, as a share of its maximum."""
        shares, counts = self.probabilities, self.is_value.sum(axis=1)
        entropies = -(shares * _logarithm(shares)).sum(axis=1)
        several = counts > 1
        return float((entropies[several] / np.log(counts[several])).mean()) if several.any() else 0

    def sample(self, count: int, rng: np.random.Generator) -> Codes:
        """`count` random codes, [count, dimensions]."""
        bounds = self.probabilities.cumsum(axis=1)[:, :-1]
        draws = rng.random((count, len(self.space)))
        codes: Codes = (draws[..., None] > bounds).sum(axis=-1)
        return codes

    def log_probabilities(self, codes: Codes) -> Floats:
        """The log-probability of each value of `codes` [n, dimensions]: [n, dimensions]."""
        found: Floats = _logarithm(self.probabilities)[np.arange(len(self.space)), codes]
        return found

    def log_gradient(self, codes: Codes, weights: Floats) -> Floats:
        """The gradient, by the logits, of the sum of `weights` [n, dimensions] times the
        log-probabilities of `codes` [n, dimensions]."""
        chosen = np.zeros(self.logits.shape)
        rows = np.broadcast_to(np.arange(len(self.space)), codes.shape)
        np.add.at(chosen, (rows, codes), weights)
        gradient: Floats = chosen - weights.sum(axis=0)[:, None] * self.probabilities
        return gradient

    def entropy_gradient(self) -> Floats:
        """The gradient, by the logits, of the sum of all dimensions' entropies."""
        shares = self.probabilities
        logarithms = _logarithm(shares)
        entropies = -(shares * logarithms).sum(axis=1, keepdims=True)
        gradient: Floats = -shares * (logarithms + entropies)
        return gradient

    def ascend(self, gradient: Floats) -> None:
        """One step of Adam along `gradient`."""
        self.steps += 1
        gradient_powers = (gradient, gradient**2)
        for place, decay in enumerate(DECAYS):
            self.moments[place] = decay * self.moments[place] + (1 - decay) * gradient_powers[place]
        mean, square = (
            moment / (1 - decay**self.steps)
            for moment, decay in zip(self.moments, DECAYS, strict=True)
        )
        step = self.rate * mean / (np.sqrt(square) + TINY)
        self.logits = np.where(self.is_value, self.logits + step, -np.inf)

    def sets_of(self, codes: Codes) -> list[dict[str, Any]]:
        """The sets of choices that `codes` [n, dimensions] stand for."""
        return [
            {each.name: each.values[index] for each, index in zip(self.space, code, strict=True)}
            for code in codes.tolist()
        ]

    def codes_of(self, sets: Sequence[Mapping[str, Any]]) -> Codes:
        """The codes of `sets`, [n, dimensions]."""
        codes = [[each.values.index(chosen[each.name]) for each in self.space] for chosen in sets]
        return np.array(codes, np.int64).reshape(len(sets), len(self.space))


def _logarithm(shares: Floats) -> Floats:
    """The logarithm of `shares`, 0 where they are 0."""
    found: Floats = np.log(np.where(shares > 0, shares, 1.0))
    return found
