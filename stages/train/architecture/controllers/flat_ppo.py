"""Proximal policy optimisation over one level: all choices of a set share one credit, its rank in
the batch.

Schulman et al., Proximal Policy Optimization Algorithms, arXiv 1707.06347. Ranks in place of scores
need no scale, and one lucky training moves the policy no further than a good one."""

from collections.abc import Sequence

import numpy as np

from stages.train.architecture.controllers import Choices, Prior
from stages.train.architecture.controllers.policy import Codes, Floats, Policy
from stages.train.search.search_space import Categorical

RATE = 0.1  # of Adam
BATCH = 6  # sets of one policy
PASSES = 4  # over one batch
CLIP = 0.2  # largest change of a level's probability that a pass still rewards, as a share
ENTROPY = 0.05  # weight of the entropy: what keeps the policy from settling early
REJECTED = -1.0  # credit of a set that breaks a limit
WARM_BATCH = 64  # sets that a prior scores at once, which costs no training
WARM_ROUNDS = 200  # at most: a prior that tells sets not apart leaves the policy as it is


class FlatPpo:
    """A controller. Proposals are drawn from one policy, of which all choices learn together."""

    tries_defaults_first = True
    batch = BATCH

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        self.policy = Policy(space, RATE)
        self.rng = np.random.default_rng(seed)
        self.levels = self._levels(space)
        self.rejected: list[Choices] = []
        if prior:
            warm(self.policy, prior, self.rng)

    def propose(self, count: int) -> list[Choices]:
        """`count` sets from the present policy."""
        return self.policy.sets_of(self.policy.sample(count, self.rng))

    def reject(self, sets: Sequence[Choices]) -> None:
        """Keep `sets` for the next `learn`: the policy stays that of the batch until then."""
        self.rejected += sets

    def learn(self, trials: Sequence[tuple[Choices, float]]) -> None:
        """Improve the policy by `trials`, sets with their scores, and by as many rejected sets."""
        credits = self._credits(trials)
        bad = self.rejected[: len(trials)]
        self.rejected = []
        codes = self.policy.codes_of([chosen for chosen, _ in trials] + bad)
        worst = np.full((len(bad), credits.shape[1]), REJECTED)
        improve(self.policy, codes, np.concatenate([credits, worst]), self.levels)

    def _levels(self, space: Sequence[Categorical]) -> Floats:
        """Which dimensions make up a level, [dimensions, levels], 0 or 1."""
        return np.ones((len(space), 1))

    def _credits(self, trials: Sequence[tuple[Choices, float]]) -> Floats:
        """The credit of each level of each of `trials`, [n, levels]."""
        return ranks([score for _, score in trials])[:, None]


def improve(policy: Policy, codes: Codes, credits: Floats, levels: Floats) -> None:
    """PASSES steps of `policy` along the clipped objective. `codes` [n, dimensions]; `credits`
    [n, levels]; `levels` [dimensions, levels], which dimensions make up a level. The ratio of new
    to old probability is clipped for each level by itself."""
    before = policy.log_probabilities(codes) @ levels
    for _ in range(PASSES):
        ratios = np.exp(policy.log_probabilities(codes) @ levels - before)
        counts = np.where(credits > 0, ratios < 1 + CLIP, ratios > 1 - CLIP)
        weights = (credits * ratios * counts / len(codes)) @ levels.T
        policy.ascend(policy.log_gradient(codes, weights) + ENTROPY * policy.entropy_gradient())


def ranks(scores: Sequence[float]) -> Floats:
    """The rank of each of `scores` among them, from -1 (lowest) to 1; equal scores share the mean
    of their ranks, and a single one has 0."""
    values = np.array(scores, float)
    lower = (values[:, None] > values).sum(axis=1) - (values[:, None] < values).sum(axis=1)
    found: Floats = lower / max(1, len(values) - 1)
    return found


def warm(policy: Policy, prior: Prior, rng: np.random.Generator) -> None:
    """Move `policy` towards sets that `prior` scores higher, which costs no training, until as much
    entropy is left as it says: a start that is still open to what trainings show."""
    levels = np.ones((len(policy.space), 1))
    for _ in range(WARM_ROUNDS):
        if policy.entropy_share < prior.entropy:
            return
        codes = policy.sample(WARM_BATCH, rng)
        scores = [prior.score(chosen) for chosen in policy.sets_of(codes)]
        improve(policy, codes, ranks(scores)[:, None], levels)
