"""Random sets of choices: the baseline of all other controllers; and random sets from a prior,
which costs nothing and is often the hardest rival."""

from collections.abc import Sequence

import numpy as np

from stages.train.architecture.controllers import Choices, Prior
from stages.train.architecture.controllers.flat_ppo import RATE, warm
from stages.train.architecture.controllers.policy import Policy
from stages.train.search.search_space import Categorical


class RandomChoices:
    """A controller that learns nothing: each choice by itself, all values equally likely."""

    tries_defaults_first = False
    batch = 1

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        self.policy = Policy(space, RATE)
        self.rng = np.random.default_rng(seed)

    def propose(self, count: int) -> list[Choices]:
        """`count` random sets."""
        return self.policy.sets_of(self.policy.sample(count, self.rng))

    def reject(self, sets: Sequence[Choices]) -> None:
        """Do nothing."""

    def learn(self, trials: Sequence[tuple[Choices, float]]) -> None:
        """Do nothing."""


class RandomFromPrior(RandomChoices):
    """A controller that draws from a policy which only `prior` has moved; it learns nothing."""

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        super().__init__(space, seed)
        if prior:
            warm(self.policy, prior, self.rng)
