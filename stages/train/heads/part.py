"""A problem with only a part of its training rows, and all of its validation rows."""

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
    """A problem that trains only on the rows with `is_trained_on` [rows]; all validation rows
    stay."""

    is_trained_on: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def training_rows(self, fold: int) -> Rows:
        rows = super().training_rows(fold)
        return rows[self.is_trained_on[rows]]


def part_of(problem: Problem, groups: Sequence[str], share: float, seed: int) -> ReducedProblem:
    """`problem`, trained on a `share` of the groups of each label; a larger share contains every
    smaller one. `groups`: each row's."""
    names = np.array(groups)
    keys = {name: digest_of(f"{seed}/{name}".encode()) for name in dict.fromkeys(groups)}
    is_trained_on = np.zeros(len(names), bool)
    for label in np.unique(problem.labels):
        mine = problem.labels == label
        order = sorted(dict.fromkeys(names[mine].tolist()), key=keys.__getitem__)
        is_trained_on |= mine & np.isin(names, order[: ceil(share * len(order))])
    fields_of_problem = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return ReducedProblem(**fields_of_problem, is_trained_on=is_trained_on)
