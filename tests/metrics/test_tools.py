"""Paired drops, thresholds, curves and sample sizes, each against something known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score

from stages.metrics import (
    balanced_drop,
    bootstrap,
    curves,
    loss_rise,
    paired_drop,
    proportion,
    recall_drops,
    recommended,
    samples_to_decide,
    samples_to_narrow,
    thresholds,
    wilson,
)
from stages.metrics.curves import drawn_curve
from stages.metrics.intervals import Z
from stages.metrics.paired import CONFIDENT, tango


def test_wilson_gives_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I: 81 of 263
    low, high = wilson(81, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("n", [1, 10, 400])
def test_without_a_flip_tango_has_a_short_form(n):
    bound = Z * Z / (n + Z * Z)

    assert tango(0, 0, n) == pytest.approx((-bound, bound))


def test_deviates_are_those_of_the_normal_distribution():
    assert pytest.approx(norm.ppf(0.975), abs=1e-12) == Z
    assert pytest.approx(norm.ppf(0.9), abs=1e-12) == CONFIDENT


@pytest.mark.parametrize("n", [1, 7, 400])
def test_at_the_ends_wilson_has_a_short_form(n):
    assert wilson(0, n) == (0.0, pytest.approx(Z * Z / (n + Z * Z)))
    assert wilson(n, n) == (pytest.approx(n / (n + Z * Z)), 1.0)


def test_of_nothing_a_proportion_may_be_anything():
    nothing, half = proportion(0, 0), proportion(1, 2)

    assert wilson(0, 0) == (0.0, 1.0)
    assert (nothing.value, nothing.low, nothing.high, nothing.n) == (0, 0, 1, 0)
    assert (half.value, half.n) == (0.5, 2)


def test_tango_gives_the_published_interval():
    # Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, 2850-2875: 1 and 7 of 21
    low, high = tango(1, 7, 21)

    assert (round(low, 3), round(high, 3)) == (-0.517, -0.026)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_the_paired_interval_turns_around_with_its_pairs(lost, won, agreed):
    n = lost + won + agreed
    if not n:
        return

    low, high = tango(lost, won, n)
    back_low, back_high = tango(won, lost, n)

    assert -1 <= low <= (lost - won) / n <= high <= 1
    np.testing.assert_allclose([low, high], [-back_high, -back_low], atol=1e-6)


def test_scores_and_indices_tell_the_same_drop():
    truth = np.array([0, 1, 1, 0])
    before, after = np.array([0, 1, 1, 0]), np.array([0, 1, 0, 1])

    from_indices = paired_drop(truth, before, after)
    from_scores = paired_drop(truth, np.eye(2)[before], np.eye(2)[after])

    assert from_indices == from_scores
    assert from_indices.value == 0.5


def test_a_ruined_label_shows_in_its_own_recall_only():
    truth = np.repeat([0, 1, 2], 30)
    after = np.where(truth == 1, 2, truth)

    drops = recall_drops(truth, truth, after, ["a", "b", "c"])

    assert drops["b"].value == 1
    assert drops["b"].low > 0.7
    assert drops["a"].value == drops["c"].value == 0


def test_without_samples_a_drop_may_be_anything():
    drop = recall_drops(np.array([0]), np.array([0]), np.array([0]), ["a", "b"])["b"]

    assert (drop.low, drop.high, drop.n) == (-1, 1, 0)


def test_without_a_flip_the_balanced_drop_knows_as_much_as_its_rarest_labels_let_it():
    truth = np.repeat([0, 2], [10, 40])

    drop = balanced_drop(truth, truth, truth)

    knows = 2**2 / (1 / 10 + 1 / 40)  # the harmonic mean, times the labels
    assert (drop.value, drop.n) == (0, 50)
    assert (drop.low, drop.high) == pytest.approx(tango(0, 0, knows))


def test_the_balanced_drop_of_a_case_by_hand():
    truth = np.repeat([0, 1], [10, 20])
    after = truth.copy()
    after[[0, 1]] = 1  # 2 of 10 lost, none of the 20
    before = truth.copy()
    before[[10]] = 0  # 1 of 20 won

    drop = balanced_drop(truth, before, after)

    lost, won = 0.2 / 2, 0.05 / 2
    rates = np.array([[2.1, 0.025], [0.1, 1.025]]) / [[11], [21]]  # a mean sample added to each
    spread = rates.sum(axis=1) - np.diff(rates, axis=1)[:, 0] ** 2
    means = rates.mean(axis=0)
    knows = (means.sum() - (means[0] - means[1]) ** 2) / ((spread / [10, 20]).sum() / 4)
    assert drop.value == pytest.approx(lost - won)
    assert (drop.low, drop.high) == pytest.approx(tango(lost * knows, won * knows, knows))


def test_without_samples_every_drop_may_be_anything():
    for drop in (paired_drop([], [], []), balanced_drop([], [], [])):
        assert (drop.value, drop.low, drop.high, drop.n) == (0, -1, 1, 0)


def test_a_narrower_interval_is_asked_for_by_its_deviate():
    wide, narrow = tango(6, 2, 100), tango(6, 2, 100, CONFIDENT)

    assert wide == tango(6, 2, 100, Z)
    assert wide[0] < narrow[0] < 0.04 < narrow[1] < wide[1]


def test_a_rise_of_losses_has_the_interval_of_a_mean():
    rng = np.random.default_rng(0)
    before, after = rng.normal(0, 1, 900), rng.normal(0.5, 2, 900)

    rise = loss_rise(before, after)

    error = (after - before).std() / 30
    assert rise.value == pytest.approx((after - before).mean())
    assert (rise.low, rise.high) == pytest.approx(
        (rise.value - Z * error, rise.value + Z * error), abs=error / 6
    )
    assert rise.n == 900
    assert rise == loss_rise(before, after, 0) != loss_rise(before, after, 1)


def test_resamples_of_a_confusion_have_its_shares():
    confusion = np.array([[30.0, 10], [0, 60]])

    drawn = bootstrap.confusions(confusion, 50, seed=3)

    assert drawn.shape == (2000, 2, 2)
    assert (drawn.sum(axis=(1, 2)) == 50).all()
    assert (drawn[:, 1, 0] == 0).all()
    np.testing.assert_allclose(drawn.mean(axis=0), confusion / 2, atol=0.4)  # 5 deviations
    np.testing.assert_allclose(drawn[:, 0, 0].var(), 50 * 0.3 * 0.7, rtol=0.15)


def test_means_of_resamples_are_spread_like_a_mean_also_in_blocks(monkeypatch):
    values = np.random.default_rng(1).normal(3, 2, 500)

    drawn = bootstrap.means(values, seed=4)
    monkeypatch.setattr(bootstrap, "_BLOCK", 500 * 700)
    in_blocks = bootstrap.means(values, seed=4)

    assert drawn.shape == (2000,)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(500), rel=0.08)
    assert drawn.mean() == pytest.approx(values.mean(), abs=0.01)
    np.testing.assert_array_equal(in_blocks, drawn)


def test_a_higher_threshold_answers_fewer():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)

    rows = thresholds(truth, scores)

    coverage = [row.coverage.value for row in rows]
    assert coverage[0] == 1
    assert coverage == sorted(coverage, reverse=True)
    for row in rows:
        assert row.recall.value == pytest.approx(row.precision.value * row.coverage.value)


def test_thresholds_are_steps_from_nothing_to_below_one():
    truth, scores = (
        np.zeros(4, int),
        np.array([[0.3, 0.7 - 1e-10], [0.3, 0.7], [0.95, 0.05], [1, 0]]),
    )

    rows = thresholds(truth, scores)
    fine = thresholds(truth, scores, 0.01)

    assert [row.threshold for row in rows] == [k / 20 for k in range(20)]
    assert [row.threshold for row in fine] == [k / 100 for k in range(100)]
    assert [row.coverage.value for row in rows[-6:]] == [1, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert [(row.precision.value, row.recall.value) for row in (rows[0], rows[15])] == [
        (0.5, 0.5),
        (1, 0.5),
    ]
    assert thresholds([], np.zeros((0, 2))) == []


def test_the_lowest_threshold_that_is_right_often_enough_is_recommended():
    # 60 answers at 0.9 that are right; 40 at 0.7, half of them wrong
    truth = np.array([0] * 80 + [1] * 20)
    scores = np.array([[0.9, 0.1]] * 60 + [[0.7, 0.3]] * 40)

    assert recommended(truth, scores, 0.95) == 0.71
    assert recommended(truth, scores, 0.8) == 0.0


def test_if_no_threshold_is_right_often_enough_the_best_compromise_is_recommended():
    truth = np.array([0] * 50 + [1] * 50)
    scores = np.tile([0.8, 0.2], (100, 1))

    assert recommended(truth, scores, 0.95) == 0.0


def test_a_few_lucky_answers_recommend_nothing():
    truth = np.array([0] * 5 + [1] * 50)
    scores = np.array([[0.99, 0.01]] * 5 + [[0.6, 0.4]] * 50)

    assert recommended(truth, scores, 0.95) == 0.0


@pytest.mark.parametrize(("answers", "threshold"), [(9, 0.0), (10, 0.61)])
def test_ten_answers_are_enough_to_recommend_a_threshold(answers, threshold):
    truth = np.array([0] * answers + [1] * 50)
    scores = np.array([[0.99, 0.01]] * answers + [[0.6, 0.4]] * 50)

    assert recommended(truth, scores, 0.95) == threshold


def test_the_best_compromise_is_that_of_the_highest_f1():
    # above 0.3 three quarters of 40 are right, below one in ten of 60 more
    truth = np.array([0] * 30 + [1] * 10 + [0] * 6 + [1] * 54)
    scores = np.array([[0.8, 0.2, 0]] * 40 + [[0.34, 0.33, 0.33]] * 60)

    assert recommended(truth, scores, 0.9) == 0.35
    assert recommended(truth[:9], scores[:9], 0.9) == 0.0


def test_a_few_answers_that_are_right_more_often_are_no_compromise():
    # 9 of 12 sure answers are right, and 45 of the 88 others
    truth = np.array([0] * 9 + [1] * 3 + [0] * 45 + [1] * 43)
    scores = np.array([[0.9, 0.1]] * 12 + [[0.6, 0.4]] * 88)

    assert recommended(truth, scores, 0.9) == 0.0


def test_a_curve_has_at_most_sixty_points_with_both_ends():
    recall = np.linspace(0.001, 1, 1000)
    precision = np.linspace(1, 0.123456, 1000)

    curve = drawn_curve(recall, precision, 0.123456789)
    short = drawn_curve(np.array([0.0, 0.5, 0.5, 1]), np.array([0.0, 1, 0.5, 2 / 3]), 0.5)

    assert len(curve.recall) == len(curve.precision) == 60
    assert (curve.recall[0], curve.recall[-1]) == (0.001, 1)
    assert (curve.precision[0], curve.precision[-1]) == (1, 0.1235)
    assert curve.average_precision == 0.123457
    assert short.recall == [0.5, 1]  # where recall does not rise, precision is only lost
    assert short.precision == [1, 0.6667]
    assert drawn_curve(np.zeros(3), np.zeros(3), 0.25) == ([0], [0], 0.25)


@given(st.integers(0, 10_000), st.integers(20, 400))
@settings(max_examples=30, deadline=None)
def test_average_precision_is_that_of_scikit_learn(seed, n):
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, 2, n), rng.random((n, 2)).round(1)
    if not truth.any():
        return

    curve = curves(truth, scores, ["no", "yes"])["yes"]

    expected = average_precision_score(truth, scores[:, 1])
    assert curve.average_precision == pytest.approx(expected, abs=1e-6)
    assert curve.recall == sorted(curve.recall)
    assert curve.recall[-1] == 1


def test_a_label_that_was_not_tested_has_no_curve():
    drawn = curves([0, 0], [[0.9, 0.1], [0.8, 0.2]], ["a", "b"])

    assert list(drawn) == ["a"]


@given(st.floats(0, 1), st.floats(0.01, 0.2))
@settings(max_examples=60, deadline=None)
def test_so_many_samples_are_enough_and_no_more_than_needed(share, margin):
    n = samples_to_narrow(share, margin)

    widths = [high - low for low, high in (wilson(share * k, k) for k in (n, max(n - 1, 1)))]
    assert widths[0] <= 2 * margin
    assert n == 1 or widths[1] > 2 * margin


def test_a_verdict_needs_more_samples_the_closer_the_gate():
    far, near = samples_to_decide(0.9, 0.8), samples_to_decide(0.9, 0.88)

    assert far < near
    assert wilson(0.9 * near, near)[0] >= 0.88
    assert samples_to_decide(0.9, 0.9) is None


def test_at_one_half_the_number_of_samples_has_a_short_form():
    width = 0.04

    assert samples_to_narrow(0.5) == np.ceil(Z**2 / 0.1**2 - Z**2)
    assert samples_to_narrow(0.5, width / 2) == np.ceil(Z**2 / width**2 - Z**2)


@pytest.mark.parametrize(("share", "gate"), [(0.9, 0.8), (0.9, 0.88), (0.8, 0.9), (0.3, 0.35)])
def test_a_verdict_needs_as_many_samples_as_a_test_of_the_gate(share, gate):
    """Wilson's bound is where the score test of the gate turns."""
    needed = Z**2 * gate * (1 - gate) / (share - gate) ** 2

    assert samples_to_decide(share, gate) == np.ceil(needed)


def test_a_verdict_that_needs_more_than_a_million_samples_is_none():
    assert samples_to_decide(0.5, 0.501) == np.ceil(Z**2 * 0.501 * 0.499 / 0.001**2)
    assert samples_to_decide(0.5, 0.5009) is None
