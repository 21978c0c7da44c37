"""What phase two learns from: maps at the split points of every sample and its views, and who
judges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.models.weights import Array
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

Indices = NDArray[np.int64]
DEPTHS = {"none": 0, "half": 0, "most": -1}  # freeze -> place among a family's split points
JUDGE = 0  # the fold that judges first


@dataclass(frozen=True)
class Finalist:
    """An input that is tuned: its backbone's published weights by name, the head that the mean of
    phase one's folds gave, and that head's hyperparameters."""

    one: Input
    published: Mapping[str, Array]
    head: Mapping[str, Array]
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """`heads`: phase one's problem, whose rows are samples and views; `maps`: by place (`at`), the
    windows of sample s and view k in row s * (views + 1) + k; `shards`: into how many parts a batch
    is divided, whoever teaches them; `epochs`: of a whole teaching; `judge`: the fold that
    judges."""

    heads: Problem
    finalists: Mapping[str, Finalist]
    maps: Mapping[str, Windows]
    views: int
    shards: int
    epochs: int
    judge: int = JUDGE

    def judged_by(self, fold: int) -> "Question":
        """The same, judged by another fold, which does not teach then."""
        return replace(self, judge=fold)

    @property
    def problem(self) -> Problem:
        """The samples themselves; one fold judges what the others teach."""
        return self._of(self._held)

    @property
    def whole(self) -> Problem:
        """The samples themselves; all of them teach, nobody judges."""
        return self._of(np.full_like(self.heads.held, -1))

    @property
    def head_problem(self) -> Problem:
        """That of a head which has not seen the samples that judge."""
        return replace(self.heads, held=self._held, folds=1)

    @property
    def rows(self) -> Indices:
        """The row of phase one's problem that each sample is."""
        return np.flatnonzero(self.heads.plain)

    @property
    def nbytes(self) -> int:
        features = [array.nbytes for array in self.heads.features.values()]
        return int(sum(features)) + sum(one.nbytes for one in self.maps.values())

    @property
    def _held(self) -> Indices:
        """The only fold, 0, is that which judges."""
        return np.where(self.heads.held == self.judge, 0, -1)

    def _of(self, held: Indices) -> Problem:
        rows = self.rows
        plain = np.ones(len(rows), bool)
        labels = self.heads.labels[rows]
        return replace(
            self.heads, features={}, labels=labels, held=held[rows], plain=plain, folds=1
        )


def cut_of(one: Input, freeze: str) -> int:
    """How many parts of the backbone of `one` stay frozen."""
    split_points = one.begun.split_points
    return 0 if freeze == "none" else split_points[DEPTHS[freeze]]


def at(one: Input, freeze: str) -> str:
    """The name of the maps that a tail begins with."""
    return f"{one.name}/{cut_of(one, freeze)}"
