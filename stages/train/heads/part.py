"""Reduces a problem to a part of its training rows, with all of its validation rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import digest_of
from stages.train.heads.problem import Problem

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class ReducedProblem(Problem):
    """A problem that trains only on rows for which `is_trained_on` [rows] is true, and is validated
    on all its validation rows."""

    is_trained_on: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def training_rows(self, fold: int) -> Rows:
        """As in `Problem`, without the rows that are not trained on."""
        rows = super().training_rows(fold)
        return rows[self.is_trained_on[rows]]


def part_of(problem: Problem, groups: Sequence[str], share: float, seed: int) -> ReducedProblem:
    """`problem`, trained on a `share` (0..1, rounded up) of the groups of each label. `groups`: the
    name of each row's group. `seed` chooses the groups; with one seed, a larger share contains
    every smaller one."""
    names = np.array(groups)
    keys = {name: digest_of(f"{seed}/{name}".encode()) for name in dict.fromkeys(groups)}
    is_trained_on = np.zeros(len(names), bool)
    for label in np.unique(problem.labels):
        has_label = problem.labels == label
        order = sorted(dict.fromkeys(names[has_label].tolist()), key=keys.__getitem__)
        is_trained_on |= has_label & np.isin(names, order[: ceil(share * len(order))])
    fields_of_problem = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return ReducedProblem(**fields_of_problem, is_trained_on=is_trained_on)
