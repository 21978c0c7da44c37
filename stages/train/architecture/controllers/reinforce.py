"""REINFORCE with a running mean of scores as baseline, one set at a time.

Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning,
1992; in the form of Dong and Yang, NAS-Bench-201, arXiv 2001.00326, whose rate of 0.01 is kept."""

from collections.abc import Sequence

import numpy as np

from stages.train.architecture.controllers import Choices, Prior
from stages.train.architecture.controllers.flat_ppo import warm
from stages.train.architecture.controllers.policy import Policy
from stages.train.search.search_space import Categorical

RATE = 0.01
MEMORY = 0.9  # share of the baseline that a new score leaves


class Reinforce:
    """A controller. What a limit forbids teaches it nothing."""

    tries_defaults_first = True
    batch = 1

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        self.policy = Policy(space, RATE)
        self.rng = np.random.default_rng(seed)
        self.baseline: float | None = None
        if prior:
            warm(self.policy, prior, self.rng)

    def propose(self, count: int) -> list[Choices]:
        """`count` sets from the present policy."""
        return self.policy.sets_of(self.policy.sample(count, self.rng))

    def reject(self, sets: Sequence[Choices]) -> None:
        """Do nothing."""

    def learn(self, trials: Sequence[tuple[Choices, float]]) -> None:
        """One step of the policy for each of `trials`, in order."""
        for chosen, score in trials:
            before = score if self.baseline is None else self.baseline
            self.baseline = MEMORY * before + (1 - MEMORY) * score
            codes = self.policy.codes_of([chosen])
            weights = np.full(codes.shape, score - self.baseline)
            self.policy.ascend(self.policy.log_gradient(codes, weights))
