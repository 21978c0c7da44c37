"""The data of fine-tuning: cached feature maps of every sample and view, candidates, validation
fold."""

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
FIRST_FOLD = 0  # all trials are validated on it


@dataclass(frozen=True)
class FinetuneCandidate:
    """An input that is fine-tuned: its backbone's published weights by name, the mean of the heads
    of all folds, and that head's hyperparameters."""

    input: Input
    published: Mapping[str, Array]
    head: Mapping[str, Array]
    hyperparameters: Mapping[str, Any]


@dataclass(frozen=True)
class FinetuneProblem:
    """`heads`: the problem of the first phase, whose rows are samples and views; `feature_maps`: by
    split (`split_name`), the windows of sample s and view k in row s * (views + 1) + k; `shards`:
    into how many parts a batch is divided, for any number of workers; `epochs`: of a complete
    training; `validation_fold`: the fold that is held out."""

    heads: Problem
    candidates: Mapping[str, FinetuneCandidate]
    feature_maps: Mapping[str, Windows]
    views: int
    shards: int
    epochs: int
    validation_fold: int = FIRST_FOLD

    def validated_on(self, fold: int) -> "FinetuneProblem":
        """The same problem with another fold held out for validation."""
        return replace(self, validation_fold=fold)

    @property
    def held_out_problem(self) -> Problem:
        """The samples themselves: one fold is held out, the others are trained on."""
        return self._of(self._fold_of_row)

    @property
    def whole_problem(self) -> Problem:
        """The samples themselves: all are trained on, none is held out."""
        return self._of(np.full_like(self.heads.fold_of_row, -1))

    @property
    def head_problem(self) -> Problem:
        """The problem of a head that is trained without the validation fold."""
        return replace(self.heads, fold_of_row=self._fold_of_row, folds=1)

    @property
    def rows(self) -> Indices:
        """Each sample's row in the problem of the first phase."""
        return np.flatnonzero(self.heads.plain)

    @property
    def nbytes(self) -> int:
        """Bytes of features and feature maps."""
        features = [array.nbytes for array in self.heads.features.values()]
        return int(sum(features)) + sum(windows.nbytes for windows in self.feature_maps.values())

    @property
    def _fold_of_row(self) -> Indices:
        """As `Problem`'s, with the validation fold as the only one, 0."""
        return np.where(self.heads.fold_of_row == self.validation_fold, 0, -1)

    def _of(self, fold_of_row: Indices) -> Problem:
        rows = self.rows
        plain = np.ones(len(rows), bool)
        labels = self.heads.labels[rows]
        return replace(
            self.heads,
            features={},
            labels=labels,
            fold_of_row=fold_of_row[rows],
            plain=plain,
            folds=1,
        )


def split_point_of(model_input: Input, freeze: str) -> int:
    """How many parts of the backbone of `model_input` stay frozen."""
    split_points = model_input.initialised_family.split_points
    return 0 if freeze == "none" else split_points[DEPTHS[freeze]]


def split_name(model_input: Input, freeze: str) -> str:
    """The name of the feature maps that the unfrozen layers take as input."""
    return f"{model_input.name}/{split_point_of(model_input, freeze)}"
