"""Holds the data of fine-tuning: feature maps of every sample and view, the candidates, and the
validation fold."""

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
# by the hyperparameter `freeze`: index into `Family.split_points`, whose first one freezes least;
# "none" freezes nothing, whatever the split points are
DEPTHS = {"none": 0, "half": 0, "most": -1}
FIRST_FOLD = 0  # the fold on which all trials are validated


@dataclass(frozen=True)
class FinetuneCandidate:
    """An input that is fine-tuned. `published`: the initial weights of its backbone, by name;
    `head`: the arrays of the best head of the first phase, the mean of the heads of all folds;
    `hyperparameters`: of that head; `narrowed`: whether `published` are those of a pruned backbone,
    with fewer channels."""

    input: Input
    published: Mapping[str, Array]
    head: Mapping[str, Array]
    hyperparameters: Mapping[str, Any]
    narrowed: bool = False


@dataclass(frozen=True)
class FinetuneProblem:
    """`heads`: the problem of the first phase, whose rows are views of samples; `candidates`: by
    the input's name; `feature_maps`: by split (`split_name`); the windows of sample s and view k
    are in row s * (views + 1) + k; `views`: the number of augmented views of a sample; `shards`:
    into how many shards a batch is divided, for any number of workers; `epochs`: of a complete
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
        """The problem whose rows are the samples, without views: the validation fold is held out,
        the others are trained on. It has no features."""
        return self._problem_of_samples(self._fold_of_row)

    @property
    def all_samples_problem(self) -> Problem:
        """As `held_out_problem`, but all samples are trained on and none is held out."""
        return self._problem_of_samples(np.full_like(self.heads.fold_of_row, -1))

    @property
    def head_problem(self) -> Problem:
        """The problem of the first phase for a head that is trained without the validation fold."""
        return replace(self.heads, fold_of_row=self._fold_of_row, folds=1)

    @property
    def rows(self) -> Indices:
        """The row of each sample itself in the problem of the first phase, [samples]."""
        return np.flatnonzero(self.heads.plain)

    @property
    def nbytes(self) -> int:
        """Bytes of features and feature maps."""
        features = [array.nbytes for array in self.heads.features.values()]
        return int(sum(features)) + sum(windows.nbytes for windows in self.feature_maps.values())

    @property
    def _fold_of_row(self) -> Indices:
        """`Problem.fold_of_row` with the validation fold as the only one, number 0: [rows]."""
        return np.where(self.heads.fold_of_row == self.validation_fold, 0, -1)

    def _problem_of_samples(self, fold_of_row: Indices) -> Problem:
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
            groups=None if self.heads.groups is None else self.heads.groups[rows],
        )


def split_point_of(model_input: Input, freeze: str) -> int:
    """How many of the first parts of the backbone of `model_input` stay frozen (its frozen stem;
    see models/backbone_split.py) for the hyperparameter `freeze`; 0: all layers are trained."""
    split_points = model_input.initialised_family.split_points
    return 0 if freeze == "none" else split_points[DEPTHS[freeze]]


def split_name(model_input: Input, freeze: str) -> str:
    """The key in `FinetuneProblem.feature_maps` of what the unfrozen layers take as input."""
    return f"{model_input.name}/{split_point_of(model_input, freeze)}"
