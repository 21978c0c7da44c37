"""Random search: draws every dimension independently, without learning and without plain sets to
begin with. The baseline for all other searchers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.train.search.search_space import Dimension, present_values


class Random:
    """Trial n is drawn from (`seed`, n) alone; `startup` has no effect."""

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
        """Random search learns nothing."""

    def _draw(self, number: int) -> dict[str, Any]:
        return any_of(self.space, np.random.default_rng([self.seed, number]))


def any_of(space: Sequence[Dimension], rng: np.random.Generator) -> dict[str, Any]:
    """A random set of hyperparameters. Dimensions that do not exist are drawn, too, so that other
    draws do not depend on them."""
    return present_values(space, {dimension.name: dimension.drawn(rng) for dimension in space})
