"""A head without a fold knows nothing of it."""

from dataclasses import replace

import numpy as np
import pytest

from stages.train.distillation.fold_heads import head_without_fold, problem_without_fold
from stages.train.heads.problem import Problem
from stages.train.search.search_space import DEFAULTS

NAME = "efficientnet_lite0@224"
HIDDEN = {
    **DEFAULTS,
    "input": NAME,
    "head": "hidden",
    "class_balance": "none",
    "learning_rate": 1e-3,
    "weight_decay": 1e-2,
    "batch_size": 16,
}


@pytest.fixture
def problem():
    """Sixty samples of three labels in three folds, each with one view; groups of two samples."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(60) % 3, 2)
    features = rng.normal(size=(120, 1280)).astype(np.float32)
    features[:, :3] += 3 * np.eye(3, dtype=np.float32)[labels]
    return Problem(
        features={NAME: features},
        labels=labels,
        fold_of_row=np.repeat(np.arange(60) // 2 % 3, 2),
        plain=np.arange(120) % 2 == 0,
        classes=3,
        folds=3,
        groups=np.repeat(np.arange(60) // 2, 2),
    )


def test_what_stops_training_is_of_other_folds_and_of_every_label(problem):
    inner = problem_without_fold(problem, NAME, 1)

    rows = np.flatnonzero(problem.fold_of_row != 1)
    validated = inner.validation_rows(0)
    assert (inner.labels == problem.labels[rows]).all()
    assert set(inner.labels[validated]) == {0, 1, 2}
    assert 0 < len(validated) < 0.4 * len(rows)
    in_training = set(inner.groups[inner.training_rows(0)])
    assert not in_training & set(inner.groups[validated]), "a group is not divided"


@pytest.mark.parametrize("head", ["hidden", "linear"])
def test_the_labels_of_the_fold_change_nothing(problem, head):
    labels = problem.labels.copy()
    labels[problem.fold_of_row == 1] = 0
    arguments = (NAME, {**HIDDEN, "head": head}, 1, 4, 2)

    first = head_without_fold(problem, *arguments)
    second = head_without_fold(replace(problem, labels=labels), *arguments)

    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_without_other_folds_samples_of_train_stop_training(problem):
    validation_split = np.where(problem.fold_of_row == 0, 0, -1)
    single = replace(problem, fold_of_row=validation_split, folds=1, other=2)

    inner = problem_without_fold(single, NAME, 0)
    head = head_without_fold(single, NAME, {**HIDDEN, "head": "linear"}, 0, 4, 2)

    assert set(inner.labels[inner.validation_rows(0)]) == {0, 1}, "negatives measure nothing"
    assert all(np.isfinite(array).all() for array in head.values())
