"""The rule by which a packed network may or may not take the trained one's place."""

import numpy as np
import pytest

from stages.evaluate.labels.agreement import agreement_of
from stages.evaluate.labels.scores import scored

LABELS = ("common", "rare")


def compared(losses: dict[int, int], sizes=(90, 10), wins=0, least=0.5, max_drop=0.02):
    """Judge a network that gets `losses` samples of each label wrong that the trained one knew,
    and `wins` of the first label right that it did not know."""
    truth = np.repeat([0, 1], sizes)
    before, after = truth.copy(), truth.copy()
    for label, count in losses.items():
        rows = np.flatnonzero(truth == label)[:count]
        after[rows] = 1 - label
    won = np.flatnonzero(truth == 0)[-wins:] if wins else []
    before[won] = 1
    trained, packed = (scored(truth, np.eye(2)[answers], 2) for answers in (before, after))
    return agreement_of(trained, packed, LABELS, max_drop, least)


def by_groups(groups):
    """Compare networks of which the second loses 6 of 60 samples of the label 'common', all of the
    first group; `groups`: the key of each sample's group."""
    truth = np.repeat([0, 1], [60, 60])
    after = truth.copy()
    after[:6] = 1
    trained, packed = (scored(truth, np.eye(2)[some], 2, groups) for some in (truth, after))
    return agreement_of(trained, packed, LABELS, max_drop=0.02, least=0.5)


def test_what_one_group_lost_proves_less_than_what_samples_of_their_own_lost():
    alone = by_groups([f"{k}" for k in range(120)])
    grouped = by_groups([f"{k // 6}" for k in range(120)])

    assert grouped.same.low < alone.same.low
    for name in ("accuracy", "recall of common"):
        wide, narrow = grouped.drops[name], alone.drops[name]
        assert (wide.value, wide.n) == (narrow.value, narrow.n)
        assert wide.low < narrow.low < narrow.high < wide.high
    assert any("recall of 'common'" in failure for failure in alone.failures)
    assert not any("recall of 'common'" in failure for failure in grouped.failures)


def test_equal_answers_agree():
    found = compared({})

    assert not found.failures
    assert found.same.value == 1


def test_a_large_drop_in_accuracy_fails():
    found = compared({0: 4}, sizes=(90, 10))

    assert any(failure.startswith("accuracy drops by 4.0%") for failure in found.failures)


def test_one_unlucky_sample_in_a_small_test_split_is_forgiven():
    assert not compared({0: 1}, sizes=(20, 10)).failures


def test_one_or_two_unlucky_samples_of_a_small_label_are_no_proof():
    assert not compared({1: 1}, sizes=(490, 10)).failures
    assert not compared({1: 2}, sizes=(490, 30)).failures


@pytest.mark.parametrize(("lost", "of"), [(2, 2), (3, 5), (3, 10), (3, 30)])
def test_a_label_that_no_longer_works_fails_however_small(lost, of):
    found = compared({1: lost}, sizes=(2000, of))

    assert [failure for failure in found.failures if "recall of 'rare'" in failure]


def test_samples_that_were_won_count_against_those_lost():
    assert not compared({0: 4}, wins=4, sizes=(90, 10)).failures


def test_a_network_that_became_another_one_fails_even_if_it_is_as_good():
    found = compared({0: 20}, wins=20, sizes=(90, 10), least=0.85)

    assert any("keep their label" in failure for failure in found.failures)


def test_a_label_without_test_samples_is_not_judged():
    assert not compared({}, sizes=(50, 0)).failures


def test_a_stricter_limit_fails_what_a_loose_one_passes():
    assert not compared({0: 5}, sizes=(990, 10), max_drop=0.02).failures
    assert compared({0: 5}, sizes=(990, 10), max_drop=0.001).failures
