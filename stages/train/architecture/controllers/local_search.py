"""Local search: the neighbours of the best set so far are tried in random order; the first that is
better takes its place. When none is left, it starts again from a random set.

White et al., Exploring the Loss Landscape in Neural Architecture Search, arXiv 2005.02960, in the
form that moves as soon as a neighbour is better."""

from collections.abc import Sequence

import numpy as np

from stages.train.architecture.controllers import Choices, Prior
from stages.train.search.search_space import Categorical
from stages.train.search.searchers.random import random_hyperparameters


class LocalSearch:
    """A controller. A neighbour differs in one choice; `prior` has no effect."""

    tries_defaults_first = True
    batch = 1

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        self.space = space
        self.rng = np.random.default_rng(seed)
        self.best: tuple[Choices, float] | None = None
        self.neighbours: list[Choices] = []

    def propose(self, count: int) -> list[Choices]:
        """`count` neighbours of the present best set; random sets before there is one."""
        return [self._next() for _ in range(count)]

    def reject(self, sets: Sequence[Choices]) -> None:
        """Do nothing."""

    def learn(self, trials: Sequence[tuple[Choices, float]]) -> None:
        """Move to the best of `trials` if it is better than the present best set."""
        chosen, score = max(trials, key=lambda trial: trial[1])
        if self.best is None or score > self.best[1]:
            self.best = (chosen, score)
            self.neighbours = self._neighbours_of(chosen)

    def _next(self) -> Choices:
        if self.best is not None and not self.neighbours:
            self.best = None
        if self.best is None:
            return random_hyperparameters(self.space, self.rng)
        return self.neighbours.pop()

    def _neighbours_of(self, chosen: Choices) -> list[Choices]:
        """All sets that differ from `chosen` in one choice, in random order."""
        found = [
            {**chosen, dimension.name: value}
            for dimension in self.space
            for value in dimension.values
            if value != chosen[dimension.name]
        ]
        return [found[place] for place in self.rng.permutation(len(found))]
