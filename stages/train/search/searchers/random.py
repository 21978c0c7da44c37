"""Proposes random hyperparameters, each dimension independently of the others, without learning and
without trying default sets first. It is the baseline for all other searchers. A pipeline names it
as `train.searcher: random`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.train.search.search_space import Dimension, active_values


class Random:
    """A searcher (`successive_halving.Searcher`). Proposal n depends on (`seed`, n) alone;
    `startup`, which all searchers take, has no effect."""

    tries_defaults_first = False

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = 0) -> None:
        self.space = space
        self.seed = seed
        self.proposal_count = 0

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` sets of hyperparameters; in a small space, a set may be proposed again."""
        first, self.proposal_count = self.proposal_count, self.proposal_count + count
        return [self._random_set(number) for number in range(first, self.proposal_count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Do nothing."""

    def _random_set(self, number: int) -> dict[str, Any]:
        return random_hyperparameters(self.space, np.random.default_rng([self.seed, number]))


def random_hyperparameters(space: Sequence[Dimension], rng: np.random.Generator) -> dict[str, Any]:
    """A random set of hyperparameters of `space`: a value for each active dimension. Inactive ones
    are sampled, too, so that the random numbers for the others do not depend on them."""
    return active_values(space, {dimension.name: dimension.sample(rng) for dimension in space})
