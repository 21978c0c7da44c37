"""Regularised evolution: the best of a few trials is mutated in one hyperparameter, and the oldest
trial leaves the population, not the worst.

Real et al., Regularized Evolution for Image Classifier Architecture Search, arXiv 1802.01548
(2019). Removing the oldest, however good, keeps a lucky trial from having children for ever."""

from collections import deque
from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np

from stages.train.search.search_space import Categorical, Dimension, Number, present, present_values
from stages.train.search.searchers.random import any_of

POPULATION = 24  # trials that live; the paper's 100 are for tens of thousands of trials
TOURNAMENT = 6  # of them that compete to be a parent, at most: a quarter, as in the paper
STEP = 0.15  # a number moves by so much of its range, one standard deviation
TRIES = 20  # for a child that was never proposed


class Evolution:
    """Proposal n is drawn from (`seed`, n) and the scores learnt before it, once they are
    `startup`."""

    informed = True

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = TOURNAMENT) -> None:
        self.space = space
        self.seed = seed
        self.startup = startup
        self.drawn = 0
        self.proposed: list[dict[str, Any]] = []
        self.living: deque[tuple[dict[str, Any], float]] = deque(maxlen=POPULATION)

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` new sets of hyperparameters: random ones at first, then mutations of the
        population's."""
        return [self._next() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Add `trials` to the population, proposed here or not, each in place of the oldest. Higher
        scores are better."""
        self.proposed += [chosen for chosen, _ in trials if chosen not in self.proposed]
        self.living.extend(trials)

    def _next(self) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, self.drawn])
        self.drawn += 1
        for _ in range(TRIES):
            child = self._child(rng)
            if child not in self.proposed:
                break
        self.proposed.append(child)
        return child

    def _child(self, rng: np.random.Generator) -> dict[str, Any]:
        if len(self.living) < self.startup:
            return any_of(self.space, rng)
        size = min(TOURNAMENT, len(self.living))
        places = rng.choice(len(self.living), size, replace=False)
        best = max(sorted(places), key=lambda place: self.living[place][1])
        return mutated(self.space, self.living[best][0], rng)


def mutated(
    space: Sequence[Dimension], parent: dict[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """`parent` with one of its dimensions changed; dimensions that exist only now are drawn."""
    movable = [dimension for dimension in present(space, parent) if _moves(dimension)]
    new_values = {dimension.name: dimension.drawn(rng) for dimension in space}
    if not movable:
        return dict(parent)
    dimension = movable[int(rng.integers(len(movable)))]
    return present_values(
        space,
        {**new_values, **parent, dimension.name: _moved(dimension, parent[dimension.name], rng)},
    )


def _moves(dimension: Dimension) -> bool:
    """Whether `dimension` has more than one value."""
    if isinstance(dimension, Categorical):
        return len(dimension.values) > 1
    return dimension.low < dimension.high


def _moved(dimension: Dimension, value: Any, rng: np.random.Generator) -> Any:
    """Another of the choices, or a number near `value`."""
    if isinstance(dimension, Categorical):
        alternatives = [alternative for alternative in dimension.values if alternative != value]
        return alternatives[int(rng.integers(len(alternatives)))]
    return _near(dimension, value, rng)


def _near(number: Number, value: float, rng: np.random.Generator) -> float:
    low, high = (log(number.low), log(number.high)) if number.log else (number.low, number.high)
    here = log(value) if number.log else value
    there = min(max(here + rng.normal(0, STEP * (high - low)), low), high)
    return number.rounded(exp(there) if number.log else there)
