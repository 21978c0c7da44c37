"""Paired drops, thresholds, curves and sample sizes, each against something known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from stages.metrics import (
    curves,
    paired_drop,
    recall_drops,
    recommended,
    samples_to_decide,
    samples_to_narrow,
    thresholds,
    wilson,
)
from stages.metrics.paired import tango


def test_wilson_gives_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I: 81 of 263
    low, high = wilson(81, 263)

    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


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


def test_a_higher_threshold_answers_fewer():
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(0, 4, 200), rng.dirichlet(np.ones(4), 200)

    rows = thresholds(truth, scores)

    coverage = [row.coverage.value for row in rows]
    assert coverage[0] == 1
    assert coverage == sorted(coverage, reverse=True)
    for row in rows:
        assert row.recall.value == pytest.approx(row.precision.value * row.coverage.value)


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
