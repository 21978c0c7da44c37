"""A problem of which only a part teaches, and all is judged as before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import digest_of
from stages.train.heads.problem import Problem

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Part(Problem):
    """A problem of which only rows with `teaches` [rows] teach; all others judge as before."""

    teaches: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def training_rows(self, fold: int) -> Rows:
        rows = super().training_rows(fold)
        return rows[self.teaches[rows]]


def part_of(problem: Problem, groups: Sequence[str], share: float, seed: int) -> Part:
    """`problem`, taught by `share` of the groups of each label; a larger share has all of a smaller
    one. `groups`: each row's."""
    names = np.array(groups)
    keys = {name: digest_of(f"{seed}/{name}".encode()) for name in dict.fromkeys(groups)}
    teaches = np.zeros(len(names), bool)
    for label in np.unique(problem.labels):
        mine = problem.labels == label
        order = sorted(dict.fromkeys(names[mine].tolist()), key=keys.__getitem__)
        teaches |= mine & np.isin(names, order[: ceil(share * len(order))])
    fields_of_problem = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    return Part(**fields_of_problem, teaches=teaches)
