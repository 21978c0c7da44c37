"""Draws every dimension by itself and is told nothing, not even a plain set to begin with: the
yardstick for whoever claims to search better."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.train.search.search_space import Dimension, kept


class Random:
    """Trial n is drawn from (`seed`, n) alone, also after `startup` trials."""

    informed = False

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = 0) -> None:
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
        return any_of(self.space, np.random.default_rng([self.seed, number]))


def any_of(space: Sequence[Dimension], rng: np.random.Generator) -> dict[str, Any]:
    """Any set of hyperparameters. What is not there is drawn all the same, so that it moves no
    other draw."""
    return kept(space, {one.name: one.drawn(rng) for one in space})
