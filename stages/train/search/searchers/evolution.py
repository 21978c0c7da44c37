"""Regularised evolution: the best of a few is changed in one thing, and the oldest goes, not the
worst.

Real et al., Regularized Evolution for Image Classifier Architecture Search, arXiv 1802.01548
(2019). That whoever is old goes, however good it was, keeps a lucky trial from breeding for
ever."""

from collections import deque
from collections.abc import Sequence
from math import exp, log
from typing import Any

import numpy as np

from stages.train.search.search_space import Choice, Dimension, Number, kept, present
from stages.train.search.searchers.random import any_of

POPULATION = 24  # trials that live; the paper's 100 are for tens of thousands of trials
TOURNAMENT = 6  # of them that compete to be a parent, at most: a quarter, as in the paper
STEP = 0.15  # a number moves by so much of its range, one standard deviation
TRIES = 20  # for a child that was never proposed


class Evolution:
    """Proposal n is drawn from (`seed`, n) and what has been learnt before it, once that is
    `startup` trials."""

    informed = True

    def __init__(self, space: Sequence[Dimension], seed: int, startup: int = TOURNAMENT) -> None:
        self.space = space
        self.seed = seed
        self.startup = startup
        self.drawn = 0
        self.known: list[dict[str, Any]] = []
        self.living: deque[tuple[dict[str, Any], float]] = deque(maxlen=POPULATION)

    def propose(self, count: int) -> list[dict[str, Any]]:
        """`count` new sets of hyperparameters: any until enough is learnt, then children of those
        that live."""
        return [self._next() for _ in range(count)]

    def learn(self, trials: Sequence[tuple[dict[str, Any], float]]) -> None:
        """Let `trials` live, proposed here or not, each in the place of the oldest; the higher its
        score, the better."""
        self.known += [chosen for chosen, _ in trials if chosen not in self.known]
        self.living.extend(trials)

    def _next(self) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, self.drawn])
        self.drawn += 1
        for _ in range(TRIES):
            child = self._child(rng)
            if child not in self.known:
                break
        self.known.append(child)
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
    """`parent` with one of its dimensions changed; what is there only now is drawn."""
    movable = [one for one in present(space, parent) if _moves(one)]
    anew = {one.name: one.drawn(rng) for one in space}
    if not movable:
        return dict(parent)
    one = movable[int(rng.integers(len(movable)))]
    return kept(space, {**anew, **parent, one.name: _moved(one, parent[one.name], rng)})


def _moves(dimension: Dimension) -> bool:
    """Whether it can be anything else."""
    if isinstance(dimension, Choice):
        return len(dimension.values) > 1
    return dimension.low < dimension.high


def _moved(dimension: Dimension, value: Any, rng: np.random.Generator) -> Any:
    """Another of the choices, or a number near `value`."""
    if isinstance(dimension, Choice):
        others = [one for one in dimension.values if one != value]
        return others[int(rng.integers(len(others)))]
    return _near(dimension, value, rng)


def _near(number: Number, value: float, rng: np.random.Generator) -> float:
    low, high = (log(number.low), log(number.high)) if number.log else (number.low, number.high)
    here = log(value) if number.log else value
    there = min(max(here + rng.normal(0, STEP * (high - low)), low), high)
    return number.rounded(exp(there) if number.log else there)
