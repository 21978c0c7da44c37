"""Regularised evolution, the searcher of hyperparameters, over choices."""

from collections.abc import Sequence

from stages.train.architecture.controllers import Choices, Prior
from stages.train.search.search_space import Categorical
from stages.train.search.searchers.evolution import Evolution


class RegularisedEvolution(Evolution):
    """A controller; `prior` has no effect."""

    batch = 1

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        super().__init__(space, seed)

    def reject(self, sets: Sequence[Choices]) -> None:
        """Do nothing: a set that breaks a limit does not join the population."""
