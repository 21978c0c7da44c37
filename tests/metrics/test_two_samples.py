"""The parts of the two-sample test, each against something known."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import roc_auc_score

from stages.metrics.intervals import wilson
from stages.metrics.two_samples import (
    FOLDS,
    PERMUTATIONS,
    _areas,
    _centred,
    _kernel,
    _measure,
    _p,
    _ranks,
    _unseen,
    classifier_two_sample_test,
    differences,
    flags_of,
    mixture,
)

LABELS = np.repeat([0, 1, 2], [20, 30, 10])


def second_set(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(len(LABELS)) < 0.4


def auc_within_labels(scores: np.ndarray, second: np.ndarray) -> float:
    """The mean of each label's AUC, weighted by its number of pairs."""
    areas, pairs = [], []
    for label in np.unique(LABELS):
        mine = label == LABELS
        areas.append(roc_auc_score(second[mine], scores[mine]))
        pairs.append(second[mine].sum() * (~second[mine]).sum())
    return float(np.average(areas, weights=pairs))


def test_permutations_stay_within_their_label():
    second = second_set()

    flags = flags_of(second, LABELS)

    assert flags.shape == (60, 1 + 999)
    assert (flags[:, 0] == second).all()
    for label in range(3):
        counts = flags[label == LABELS].sum(axis=0)
        assert (counts == counts[0]).all()
    rates = flags[LABELS == 1, 1:].mean(axis=1)
    np.testing.assert_allclose(rates, second[LABELS == 1].mean(), atol=0.08)  # 5 deviations
    assert (flags == flags_of(second, LABELS, 0)).all()
    assert (flags != flags_of(second, LABELS, 1)).any()


@pytest.mark.parametrize("digits", [1, 8])
def test_the_probability_of_a_trait_is_the_auc_within_labels(digits):
    rng, second = np.random.default_rng(1), second_set()
    traits = rng.normal(size=(60, 3)).round(digits) + 10 * LABELS[:, None]  # with and without ties

    higher, p = differences(traits, flags_of(second, LABELS), LABELS)

    assert higher == pytest.approx([auc_within_labels(trait, second) for trait in traits.T])
    assert ((p >= 1 / 1000) & (p <= 1)).all()


@pytest.mark.parametrize("columns", [2, 4])
def test_columns_without_ties_are_ranked_alike(columns):
    values = np.random.default_rng(2).normal(size=(60, columns))

    ranks = _ranks(values, LABELS)

    for label in range(3):
        mine = label == LABELS
        expected = values[mine].argsort(axis=0).argsort(axis=0) + 1
        assert (ranks[mine] == expected).all()
    assert (ranks[:, :1] == _ranks(values[:, :1], LABELS)).all()


def test_without_a_pair_of_one_label_there_is_no_area():
    flags = np.array([[True], [True], [False]])

    assert _areas(np.array([[1.0], [2], [1]]), flags, np.array([0, 0, 1])).tolist() == [0.0]


def test_a_p_value_is_corrected_for_the_number_of_traits():
    rng, second = np.random.default_rng(3), second_set()
    trait = rng.normal(size=(60, 1)) + 0.8 * second[:, None]
    many = np.concatenate([trait, rng.normal(size=(60, 20))], axis=1)
    flags = flags_of(second, LABELS)

    (alone,), among = differences(trait, flags, LABELS)[1], differences(many, flags, LABELS)[1]

    assert alone < among[0]
    lower = differences(-trait, flags, LABELS)
    assert lower[1][0] == alone  # a trait that is lower in the second set differs as much
    assert lower[0][0] == pytest.approx(1 - differences(trait, flags, LABELS)[0][0])


def test_a_p_value_counts_what_is_as_far_and_the_observed_one():
    assert _p(2.0, np.array([1.0, 2.0, 3.0, 0.0])) == 3 / 5
    assert _p(9.0, np.zeros(999)) == 1 / 1000


def test_features_are_centred_within_their_label():
    values = np.random.default_rng(4).normal(size=(60, 5)) + 7 * LABELS[:, None]

    centred = _centred(values, LABELS)

    for label in range(3):
        mine = label == LABELS
        np.testing.assert_allclose(centred[mine], values[mine] - values[mine].mean(axis=0))


def test_the_kernel_has_ones_in_the_mean():
    values = np.random.default_rng(5).normal(size=(12, 3))

    kernel = _kernel(values)

    np.testing.assert_allclose(np.diag(kernel).mean(), 1)
    np.testing.assert_allclose(kernel / kernel[0, 0], values @ values.T / (values[0] @ values[0]))
    assert (_kernel(np.zeros((4, 2))) == 0).all()


def test_predictions_are_those_of_ridge_regression_on_the_other_folds():
    rng = np.random.default_rng(6)
    kernel, target = _kernel(rng.normal(size=(23, 4))), rng.normal(size=23)

    predicted = _unseen(kernel, seed=9) @ target

    fold = np.random.default_rng(9).permutation(23) % FOLDS
    assert FOLDS == 5
    for number in range(FOLDS):
        out, rest = fold == number, fold != number
        ridge = KernelRidge(alpha=1.0, kernel="precomputed")
        ridge.fit(kernel[np.ix_(rest, rest)], target[rest])
        np.testing.assert_allclose(predicted[out], ridge.predict(kernel[np.ix_(out, rest)]))


def test_the_interval_is_wilsons_for_delongs_variance():
    rng = np.random.default_rng(7)
    first, other = rng.normal(size=30), rng.normal(size=20) + 0.7
    scores, second = np.concatenate([first, other]), np.repeat([False, True], [30, 20])

    measure = _measure(scores, second, np.zeros(50, int), chance=0.0)

    wins = other[:, None] > first[None, :]
    variance = wins.mean(axis=1).var() / 20 + wins.mean(axis=0).var() / 30  # DeLong et al. 1988
    area = wins.mean()
    knows = area * (1 - area) / variance
    assert measure.value == pytest.approx(area) == roc_auc_score(second, scores)
    assert (measure.low, measure.high) == pytest.approx(wilson(area * knows, knows))
    assert measure.n == 50


def test_the_interval_is_as_wide_as_chance_and_never_tells_more_than_its_samples():
    scores, second = np.arange(8.0), np.array([0, 1, 0, 1, 0, 1, 0, 1]) > 0
    label = np.zeros(8, int)

    wide = _measure(scores, second, label, chance=0.05)
    separate = _measure(np.where(second, 1.0, 0.0), second, label, chance=0.0)
    alone = _measure(scores, np.ones(8, bool), label, chance=0.0)

    area = 10 / 16
    assert (wide.low, wide.high) == pytest.approx(wilson(area * 5, 5))  # 1 / (4 * 0.05) samples
    assert (separate.low, separate.high) == pytest.approx(wilson(8, 8))
    assert (alone.value, alone.low) == (0, 0)


def test_ties_of_scores_count_half():
    measure = _measure(np.ones(6), np.arange(6) % 2 == 1, np.zeros(6, int), chance=0.0)

    assert measure.value == 0.5


def test_a_pair_is_of_one_label():
    scores, second = np.array([4.0, 3, 5, 1, 2]), np.array([False, False, True, True, False])

    measure = _measure(scores, second, np.array([0, 0, 0, 1, 1]), chance=0.0)

    assert measure.value == pytest.approx(2 / 3)  # of all pairs it would be half


def test_the_test_itself_is_made_of_these_parts():
    rng, second = np.random.default_rng(8), second_set()
    features = rng.normal(size=(60, 6)) + second[:, None] * 0.5 + 5 * LABELS[:, None]
    flags = flags_of(second, LABELS)

    found = classifier_two_sample_test(features, flags, LABELS)

    target = _centred(second[:, None].astype(float), LABELS)
    scores = (_unseen(_kernel(_centred(features, LABELS)), 0) @ target)[:, 0]
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)
    assert found.auc.value == pytest.approx(auc_within_labels(scores, second))
    assert found == classifier_two_sample_test(features, flags, LABELS, 0)._replace(
        scores=found.scores
    )
    assert found.auc != classifier_two_sample_test(features, flags, LABELS, 1).auc


@pytest.mark.parametrize("share", [0.4, 0.5, 0.6])
def test_the_mixture_has_the_p_value_of_chi_square(share):
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 4, 400)
    second = rng.random(400) < np.where(labels == 0, share, 0.4)
    flags = second[:, None]  # this test draws its own permutations

    p = mixture(flags, labels)

    table = [np.bincount(labels[side], minlength=4) for side in (second, ~second)]
    exact = chi2_contingency(table, correction=False).pvalue
    noise = 4 * np.sqrt(exact * (1 - exact) / PERMUTATIONS) + 2 / PERMUTATIONS
    assert p == pytest.approx(exact, abs=noise)
    assert p == mixture(flags, labels, 0)


def test_a_label_that_never_comes_changes_no_mixture():
    labels = np.repeat([0, 3], 50)

    assert mixture((np.arange(100) % 2 == 1)[:, None], labels) > 0.5
    assert mixture((labels == 3)[:, None], labels) == 1 / 1000
