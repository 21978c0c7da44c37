"""Proximal policy optimisation over the levels of a space (motif, cell, network), each with a
credit of its own; the default controller.

A batch draws a few libraries of motifs and several networks from each, so that a motif is judged by
the mean of all networks that use it, and a cell or network by how much better it is than others of
its library. A space of one level is searched as FlatPpo searches it."""

from collections.abc import Sequence

import numpy as np

from stages.train.architecture.controllers import Choices, Prior
from stages.train.architecture.controllers.flat_ppo import FlatPpo, ranks
from stages.train.architecture.controllers.policy import Floats
from stages.train.search.search_space import Categorical

CHILDREN = 3  # networks of one library of motifs
LIBRARY = "motif"  # the level that networks of one library share
WINDOW = 30  # scores whose mean and deviation a library is compared with
LIBRARY_SHARE = 0.5  # of a library's credit that its networks have, too
LIMIT = 2.0  # largest credit
LEAST_DEVIATION = 1e-6


def level_of(dimension: Categorical) -> str:
    """The level of `dimension`: its name up to the first dot."""
    return dimension.name.partition(".")[0]


class HierarchicalPpo(FlatPpo):
    """A controller. The level of a dimension is its name up to the first dot."""

    def __init__(self, space: Sequence[Categorical], seed: int, prior: Prior | None = None) -> None:
        self.level_names = list(dict.fromkeys(map(level_of, space)))
        self.shared = np.array([level_of(dimension) == LIBRARY for dimension in space])
        self.is_flat = not self.shared.any() or self.shared.all()
        self.history: list[float] = []
        super().__init__(space, seed, prior)

    def propose(self, count: int) -> list[Choices]:
        """`count` sets, CHILDREN from each drawn library."""
        codes = self.policy.sample(count, self.rng)
        if not self.is_flat:
            first = np.arange(count) // CHILDREN * CHILDREN
            codes[:, self.shared] = codes[first][:, self.shared]
        return self.policy.sets_of(codes)

    def _levels(self, space: Sequence[Categorical]) -> Floats:
        if self.is_flat:
            return super()._levels(space)
        places = [self.level_names.index(level_of(dimension)) for dimension in space]
        return np.eye(len(self.level_names))[places]

    def _credits(self, trials: Sequence[tuple[Choices, float]]) -> Floats:
        scores = np.array([score for _, score in trials], float)
        self.history = [*self.history, *scores.tolist()][-WINDOW:]
        if self.is_flat:
            return ranks(scores.tolist())[:, None]
        deviation = max(float(np.std(self.history)), LEAST_DEVIATION)
        library_mean = self._library_means([chosen for chosen, _ in trials], scores)
        of_library = (library_mean - np.mean(self.history)) / deviation
        of_network = (scores - library_mean) / deviation + LIBRARY_SHARE * of_library
        credits = [of_library if name == LIBRARY else of_network for name in self.level_names]
        return np.clip(np.stack(credits, axis=1), -LIMIT, LIMIT)

    def _library_means(self, sets: Sequence[Choices], scores: Floats) -> Floats:
        """The mean of `scores` over all of `sets` that share their library with each, [n]."""
        names = [each.name for each in self.policy.space if level_of(each) == LIBRARY]
        libraries = [tuple(chosen[name] for name in names) for chosen in sets]
        same = np.array([[own == other for other in libraries] for own in libraries], float)
        means: Floats = same @ scores / same.sum(axis=1)
        return means
