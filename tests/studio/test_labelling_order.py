"""Doubtful samples come first, and those of a batch differ."""

import numpy as np
import pytest

from stages.studio.labelling_order import BATCH, POOL, labelling_order, margins_of

NONE = np.zeros((0, 4))


def test_the_margin_is_between_the_best_two():
    scores = np.array([[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]])

    assert margins_of(scores) == pytest.approx([0.2, 0.85])
    assert margins_of(np.ones((2, 1))).tolist() == [0.0, 0.0]


def test_every_candidate_comes_once_and_sure_ones_last():
    rng = np.random.default_rng(0)
    margins, features = rng.random(900), rng.normal(size=(900, 4))

    order = labelling_order(margins, features, NONE)

    assert sorted(order) == list(range(900))
    pool = set(np.argsort(margins)[: POOL * BATCH])
    assert set(order[:BATCH]) <= pool
    assert margins[order[-100:]].min() > margins[order[:100]].max()


def test_one_of_each_kind_comes_before_a_second_of_any():
    # ten kinds of equally doubtful samples, of which one has most copies
    kinds = np.repeat(np.arange(10), [POOL * BATCH - 9, *[1] * 9])
    features = np.eye(10)[kinds] + np.random.default_rng(0).normal(0, 0.01, (len(kinds), 10))

    order = labelling_order(np.zeros(len(kinds)), features, np.zeros((0, 10)))

    assert sorted(kinds[order[:10]]) == list(range(10))


def test_what_is_like_a_labelled_sample_waits():
    features = np.eye(4)

    order = labelling_order(np.zeros(4), features, features[[0, 2]] * 3)

    assert set(order[:2]) == {1, 3}


@pytest.mark.parametrize("count", [0, 1, BATCH + 1])
def test_few_candidates_and_zeros_have_an_order(count):
    order = labelling_order(np.zeros(count), np.zeros((count, 4)), np.zeros((3, 4)))

    assert sorted(order) == list(range(count))


def test_beyond_the_ranks_the_margin_decides():
    rng = np.random.default_rng(1)
    margins, features = rng.random(200), rng.normal(size=(200, 4))

    order = labelling_order(margins, features, NONE, ranks=BATCH)

    assert (np.diff(margins[order[BATCH:]]) > 0).all()
