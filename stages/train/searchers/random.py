"""Draws every dimension by itself: the yardstick for whoever claims to search better."""

from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np

from stages.train.space import Choice, Dimension


class Random:
    """Trial n is drawn from (`seed`, n) alone."""

    def __init__(self, space: Sequence[Dimension], seed: int) -> None:
        self.space = space
        self.seed = seed
        self.drawn = 0

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` new sets of hyperparameters."""
        first, self.drawn = self.drawn, self.drawn + count
        return [self._draw(number) for number in range(first, self.drawn)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Nothing is learnt."""

    def _draw(self, number: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, number])
        return {one.name: _value(one, rng) for one in self.space}


def _value(dimension: Dimension, rng: np.random.Generator) -> Any:
    if isinstance(dimension, Choice):
        return dimension.values[int(rng.integers(len(dimension.values)))]
    if dimension.log:
        return dimension.rounded(exp(rng.uniform(log(dimension.low), log(dimension.high))))
    return dimension.rounded(rng.uniform(dimension.low, dimension.high))
