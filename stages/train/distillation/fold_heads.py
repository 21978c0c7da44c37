"""Heads that know nothing of a validation fold: neither its labels in training, nor when to stop,
nor the temperature of its scores."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.config import TrainConfig
from stages.models.family import LAST
from stages.models.weights import Array
from stages.train.heads.problem import Problem
from stages.train.search.search_space import DEFAULTS

INNER_SHARE = 5  # every so many of the other samples decide when training stops


def head_without_fold(
    problem: Problem,
    input_name: str,
    hyperparameters: Mapping[str, Any],
    fold: int,
    epochs: int,
    patience: int | None,
) -> dict[str, Array]:
    """The head of `hyperparameters` on the features of `input_name`, trained without the rows of
    `fold`. Of the others, every INNER_SHARE-th sample or group decides when training stops."""
    from stages.train.heads.head_fit import fit_of
    from stages.train.heads.standardised import StandardisedFeatures

    inner = problem_without_fold(problem, input_name, fold)
    feature_maps = hyperparameters.get("feature_maps", LAST)
    features = StandardisedFeatures(inner, input_name, feature_maps)
    fit = fit_of(inner, features, dict(hyperparameters))
    fit.fit(epochs, patience)
    return dict(fit.arrays())


def linear_head_without_fold(
    problem: Problem, input_name: str, class_balance: str, fold: int, config: TrainConfig
) -> dict[str, Array]:
    """As `head_without_fold`: a linear head with the default L2 penalty, which no trial chose."""
    hyperparameters = {
        "input": input_name,
        "head": "linear",
        "l2": DEFAULTS["l2"],
        "class_balance": class_balance,
    }
    about = (problem, input_name, hyperparameters)
    return head_without_fold(*about, fold, config.epochs, config.patience)


def plain_problem(problem: Problem, features: dict[str, Any]) -> Problem:
    """`problem` with the rows of samples alone, without their views, and with `features`."""
    plain = problem.plain
    return replace(
        problem,
        features=features,
        labels=problem.labels[plain],
        fold_of_row=problem.fold_of_row[plain],
        plain=np.ones(int(plain.sum()), bool),
        groups=None if problem.groups is None else problem.groups[plain],
    )


def problem_without_fold(problem: Problem, input_name: str, fold: int) -> Problem:
    """`problem` without the rows of `fold`, with one fold, of other samples, for validation."""
    rows = np.flatnonzero(problem.fold_of_row != fold)
    units = problem.origin if problem.groups is None else problem.groups
    return replace(
        problem,
        features={input_name: problem.features[input_name][rows]},
        labels=problem.labels[rows],
        fold_of_row=_inner_folds(problem, units, rows),
        plain=problem.plain[rows],
        folds=1,
        groups=None if problem.groups is None else problem.groups[rows],
    )


def _inner_folds(
    problem: Problem, units: NDArray[np.int64], rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """0 for those of `rows` that are validated on, else -1. `units`: of every row, the number of
    its sample or group. Each label has some, as units are taken in turn, label by label; rows that
    no fold holds out, such as negatives, are not. Where only the validation split is held out,
    samples of train are validated on."""
    in_folds = problem.fold_of_row[rows] >= 0
    held_out = in_folds if in_folds.any() else problem.labels[rows] != problem.rejected
    _, first = np.unique(units[rows][held_out], return_index=True)
    labels = problem.labels[rows][held_out][first]
    names = units[rows][held_out][first]
    chosen = np.concatenate(
        [names[labels == label][::INNER_SHARE] for label in np.unique(labels)] or [names[:0]]
    )
    inner: NDArray[np.int64] = np.where(np.isin(units[rows], chosen) & held_out, 0, -1)
    return inner
