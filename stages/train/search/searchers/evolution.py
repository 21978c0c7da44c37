"""Proposes hyperparameters by regularised evolution: the best of a few random trials of the
population is mutated in one hyperparameter, and the oldest trial leaves the population, not the
worst. A pipeline names it as `train.searcher: evolution`.

Real et al., Regularized Evolution for Image Classifier Architecture Search, arXiv 1802.01548
(2019). Removing the oldest, however good, keeps a lucky trial from having children for ever."""

from collections import deque
from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np

from stages.train.search.search_space import (
    Categorical,
    Dimension,
    Number,
    active_dimensions,
    active_values,
)
from stages.train.search.searchers.random import random_hyperparameters

POPULATION = 24  # trials, at most; the paper's 100 are for tens of thousands of trials
TOURNAMENT = 6  # trials, at most, that compete to be a parent: a quarter, as in the paper
STEP = 0.15  # standard deviation of a number's mutation, as a share of the number's range
TRIES = 20  # random sets or mutations that are tried to find one that was not proposed yet


class Evolution:
    """A searcher (`successive_halving.Searcher`). Proposal n depends on (`seed`, n) and on the
    scores that were learnt before it; it is random until `startup` scores were learnt."""

    tries_defaults_first = True

    def __init__(
        self,
        space: Sequence[Dimension],
        seed: int,
        startup: int = TOURNAMENT,
        population: int = POPULATION,
        tournament: int = TOURNAMENT,
    ) -> None:
        self.space = space
        self.tournament = tournament
        self.seed = seed
        self.startup = startup
        self.proposal_count = 0
        self.proposed: list[dict[str, Any]] = []
        self.population: deque[tuple[dict[str, Any], float]] = deque(maxlen=population)

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` sets of hyperparameters: random ones at first, then mutations of the
        population's. A set is proposed again only if TRIES tries found no other."""
        return [self._next() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Add `trials` (hyperparameters and their score; higher is better) to the population, be
        they proposals of this searcher or not. A full population loses its oldest trial for
        each."""
        self.proposed += [chosen for chosen, _ in trials if chosen not in self.proposed]
        self.population.extend(trials)

    def _next(self) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, self.proposal_count])
        self.proposal_count += 1
        for _ in range(TRIES):
            child = self._child(rng)
            if child not in self.proposed:
                break
        self.proposed.append(child)
        return child

    def _child(self, rng: np.random.Generator) -> dict[str, Any]:
        if len(self.population) < self.startup:
            return random_hyperparameters(self.space, rng)
        size = min(self.tournament, len(self.population))
        indices = rng.choice(len(self.population), size, replace=False)
        best = max(sorted(indices), key=lambda index: self.population[index][1])
        return mutated(self.space, self.population[best][0], rng)


def mutated(
    space: Sequence[Dimension], parent: dict[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """`parent` with the value of one of its dimensions changed. Dimensions that this change makes
    active get random values. Equal to `parent` if none of its dimensions has a second value."""
    mutable = [dimension for dimension in active_dimensions(space, parent) if _can_vary(dimension)]
    new_values = {dimension.name: dimension.sample(rng) for dimension in space}
    if not mutable:
        return dict(parent)
    dimension = mutable[int(rng.integers(len(mutable)))]
    value = _mutated_value(dimension, parent[dimension.name], rng)
    return active_values(space, {**new_values, **parent, dimension.name: value})


def _can_vary(dimension: Dimension) -> bool:
    """Whether `dimension` has more than one value."""
    if isinstance(dimension, Categorical):
        return len(dimension.values) > 1
    return dimension.low < dimension.high


def _mutated_value(dimension: Dimension, value: Any, rng: np.random.Generator) -> Any:
    """Another of a categorical dimension's values, or a number near `value`."""
    if isinstance(dimension, Categorical):
        alternatives = [alternative for alternative in dimension.values if alternative != value]
        return alternatives[int(rng.integers(len(alternatives)))]
    return _mutated_number(dimension, value, rng)


def _mutated_number(number: Number, value: float, rng: np.random.Generator) -> float:
    """`value` plus normal noise of STEP times the range of `number`, on its scale and within it."""
    low, high = (log(number.low), log(number.high)) if number.log else (number.low, number.high)
    position = log(value) if number.log else value
    mutated_position = min(max(position + rng.normal(0, STEP * (high - low)), low), high)
    return number.rounded(exp(mutated_position) if number.log else mutated_position)
