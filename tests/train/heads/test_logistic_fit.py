"""Linear heads are logistic regressions at their optimum, whatever the rows weigh."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stages.etl.augmentations.mixup import Mixup
from stages.train.heads.balance import label_weights
from stages.train.heads.logistic_fit import TOLERANCE, UNTRAINED, LogisticFit
from stages.train.heads.problem import Problem
from stages.train.heads.scores import log_loss
from stages.train.heads.standardised import StandardisedFeatures
from tests.train.conftest import INPUT, blobs, hyperparameters

Array = np.ndarray
SEED = 84994525569741  # of the head with l2 = 0.1
NUMBERS = pytest.mark.parametrize("l2", [0.01, 0.1, 1.0])


def overlapping(classes: int = 3, samples: int = 240, changes: tuple = ()) -> Problem:
    """Blobs so near each other that some samples are closer to the centre of another label."""
    problem = blobs(samples=samples, classes=classes, folds=2)
    noise = np.random.default_rng(1).normal(size=problem.features[INPUT].shape) * 3
    features = problem.features[INPUT] + noise.astype(np.float32)
    return replace(problem, features={INPUT: features}, changes=changes)


def imbalanced() -> Problem:
    """Of the third label one sample in six is left."""
    whole = overlapping(samples=360)
    chosen = np.flatnonzero((whole.labels != 2) | (np.arange(360) % 18 < 3))
    folds = np.arange(len(chosen)) % 2
    return Problem(
        {INPUT: whole.features[INPUT][chosen]},
        whole.labels[chosen],
        folds,
        whole.plain[chosen],
        whole.classes,
        2,
    )


def fit(problem: Problem, **changes) -> LogisticFit:
    trained = LogisticFit(problem, StandardisedFeatures(problem, INPUT), hyperparameters(**changes))
    trained.fit(1)
    return trained


def training_rows(done: LogisticFit, fold: int) -> tuple[Array, Array]:
    """The standardised features and the labels that `fold` trains on."""
    rows = done.problem.training_rows(fold)
    return done.standard.rows.numpy()[rows].astype(np.float64), done.problem.labels[rows]


def optimum(features: Array, labels: Array, l2: float, weights: Array | None = None) -> Array:
    """The coefficients of scikit-learn's own regression, with float64 and a tiny tolerance:
    [features + 1, labels], the last row being the offsets."""
    weights = np.ones(len(labels)) if weights is None else weights
    regression = LogisticRegression(C=1 / (l2 * weights.sum()), tol=1e-10, max_iter=10_000)
    regression.fit(features, labels, sample_weight=weights)
    return np.vstack([regression.coef_.T, regression.intercept_])


def coefficients(done: LogisticFit, fold: int) -> Array:
    """Those of `fold`, as `optimum` has them; offsets with a mean of 0, which scores ignore."""
    offsets = done.best.parameters[1][fold]
    return np.vstack([done.best.parameters[0][fold], offsets - offsets.mean()])


def assert_near(found: Array, expected: Array) -> None:
    centred = np.vstack([expected[:-1], expected[-1] - expected[-1].mean()])
    assert np.linalg.norm(found - centred) < 0.01 * np.linalg.norm(centred)


def gradient(features: Array, labels: Array, matrix: Array, offsets: Array, l2: float) -> Array:
    """Of the mean cross entropy plus l2 / 2 times the squared norm of `matrix`, by `matrix` and
    then by `offsets`: [features + 1, labels]."""
    logits = features @ matrix + offsets
    scores = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    errors = (scores - np.eye(scores.shape[1])[labels]) / len(labels)
    return np.vstack([features.T @ errors + l2 * matrix, errors.sum(axis=0)])


@NUMBERS
def test_it_finds_the_coefficients_of_scikit_learn(l2: float):
    done = fit(overlapping(), l2=l2)

    for fold in range(2):
        assert_near(coefficients(done, fold), optimum(*training_rows(done, fold), l2))


@NUMBERS
def test_at_its_weights_the_loss_has_no_slope(l2: float):
    done = fit(overlapping(), l2=l2)

    for fold in range(2):
        matrix, offsets = (values[fold].astype(np.float64) for values in done.best.parameters)
        slope = gradient(*training_rows(done, fold), matrix, offsets, l2)
        start = gradient(*training_rows(done, fold), 0 * matrix, 0 * offsets, l2)
        assert np.abs(slope).max() < 1.1 * TOLERANCE < 0.02 * np.abs(start).max()


def test_two_labels_have_opposite_logits_and_the_penalty_is_on_their_difference():
    done = fit(overlapping(classes=2), l2=0.1)

    for fold in range(2):
        matrix, offsets = (values[fold].astype(np.float64) for values in done.best.parameters)
        np.testing.assert_array_equal(matrix[:, 0], -matrix[:, 1])
        np.testing.assert_array_equal(offsets[0, 0], -offsets[0, 1])
        difference = np.vstack([matrix[:, 1:] - matrix[:, :1], offsets[:, 1:] - offsets[:, :1]])
        expected = optimum(*training_rows(done, fold), 0.1)
        assert np.linalg.norm(difference - expected) < 0.01 * np.linalg.norm(expected)
    assert done.best.measures["accuracy"] > 0.8


def test_its_loss_is_the_mean_cross_entropy_of_training_rows():
    done = fit(overlapping())
    losses = []
    for fold in range(2):
        features, labels = training_rows(done, fold)
        matrix, offsets = (values[fold] for values in done.best.parameters)
        losses.append(log_loss((features @ matrix + offsets).astype(np.float32), labels))

    assert done.curve[0]["train_loss"] == pytest.approx(np.mean(losses), rel=1e-4)


def test_equal_problems_have_equal_heads_on_any_number_of_threads():
    problem = blobs(samples=900, classes=5, width=700)
    heads = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            heads.append(fit(problem).arrays())

    assert all((heads[0][name] == heads[1][name]).all() for name in heads[0])


def only_in_the_first_fold(problem: Problem, label: int) -> Problem:
    """All samples of `label` are held out together."""
    folds = np.where(problem.labels == label, 0, problem.fold_of_row)
    return replace(problem, fold_of_row=folds)


def test_a_label_without_training_rows_is_never_predicted():
    done = fit(only_in_the_first_fold(overlapping(), 1))

    rows, logits = done.out_of_fold_logits()
    held_out = done.problem.fold_of_row[rows] == 0
    assert (logits[held_out].argmax(axis=1) != 1).all()
    assert (logits[~held_out].argmax(axis=1) == 1).any(), "the other fold has learnt it"
    assert (done.best.parameters[0][0][:, 1] == 0).all()
    assert done.best.parameters[1][0, 0, 1] == UNTRAINED


def test_of_three_labels_the_two_that_a_fold_has_are_told_apart():
    done = fit(only_in_the_first_fold(overlapping(), 0))

    rows, logits = done.out_of_fold_logits()
    trained_labels = (done.problem.fold_of_row[rows] == 0) & (done.problem.labels[rows] != 0)
    right = logits[trained_labels].argmax(axis=1) == done.problem.labels[rows][trained_labels]
    assert right.mean() > 0.8


def test_a_fold_with_training_rows_of_one_label_predicts_it():
    done = fit(only_in_the_first_fold(blobs(samples=40, classes=2, folds=2), 1))

    rows, logits = done.out_of_fold_logits()
    held_out = done.problem.fold_of_row[rows] == 0
    assert (logits[held_out].argmax(axis=1) == 0).all()
    assert np.isfinite(list(done.best.measures.values())).all()


def test_weights_of_labels_are_weights_of_their_rows():
    problem = imbalanced()
    by_label = label_weights(np.bincount(problem.labels))

    done = fit(problem, l2=0.1, class_balance="weights")

    for fold in range(2):
        features, labels = training_rows(done, fold)
        expected = optimum(features, labels, 0.1, weights=by_label[labels].astype(np.float64))
        assert_near(coefficients(done, fold), expected)


def recall(done: LogisticFit, label: int) -> float:
    """Among held-out samples."""
    rows, logits = done.out_of_fold_logits()
    mine = done.problem.labels[rows] == label
    return float((logits[mine].argmax(axis=1) == label).mean())


@pytest.mark.parametrize("how", ["weights", "sampling", "both"])
def test_balance_raises_the_recall_of_a_rare_label(how: str):
    problem = imbalanced()

    assert recall(fit(problem, class_balance=how), 2) > recall(fit(problem), 2) + 0.1


class Blend:
    """Mixes each row with its neighbour, three to one, and keeps what it made."""

    def __init__(self) -> None:
        self.batches: list[tuple[Array, Array]] = []

    def __call__(self, inputs: Array, targets: Array, rng: np.random.Generator):
        mixed = tuple(0.75 * each + 0.25 * np.roll(each, 1, axis=0) for each in (inputs, targets))
        self.batches.append(mixed)
        return mixed


def test_soft_targets_count_as_often_as_their_shares_say():
    """Three copies of a row with one label and one copy with the other are the same by hand."""
    blend = Blend()

    done = fit(overlapping(changes=(blend,)), l2=0.1)

    for fold, (features, targets) in enumerate(blend.batches):
        copies = np.rint(4 * targets).astype(int)
        assert (copies.sum(axis=1) == 4).all()
        assert (copies == 3).any()
        row, label = np.nonzero(copies)
        times = copies[row, label]
        repeated = np.repeat(features[row], times, axis=0).astype(np.float64)
        expected = optimum(repeated, np.repeat(label, times), 0.1)
        assert_near(coefficients(done, fold), expected)


def test_mixup_changes_a_head_and_leaves_it_right():
    mixed, plain = (fit(overlapping(changes=changes)) for changes in ((Mixup(alpha=1.0),), ()))

    assert not np.allclose(coefficients(mixed, 0), coefficients(plain, 0), rtol=0.01)
    assert mixed.best.measures["accuracy"] > plain.best.measures["accuracy"] - 0.05


def test_measures_are_those_of_calibrated_scores():
    """A strong penalty makes small logits, which says nothing against them."""
    done = fit(overlapping(), l2=1.0)
    rows, calibrated = done.out_of_fold_logits()

    found = done.best.measures["log_loss"]

    assert found == pytest.approx(log_loss(calibrated, done.problem.labels[rows]), rel=1e-6)
    assert found < log_loss(done.best.logits, done.truth) - 0.05
    assert done.temperature() < 0.8


def test_the_seed_of_a_trial_stays_as_it_is():
    """All that a training draws depends on it: with another one, equal trials of a new release
    would have other results."""
    problem = blobs()
    standard = StandardisedFeatures(problem, INPUT)

    seeds = [LogisticFit(problem, standard, hyperparameters(l2=l2)).seed for l2 in (0.1, 0.1, 0.2)]

    assert seeds[0] == seeds[1] == SEED
    assert seeds[2] != SEED
