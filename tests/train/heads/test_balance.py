"""Rare labels count as much as common ones, in the loss or in how often they are shown."""

import numpy as np
import pytest

from stages.config.search_space import SearchSpace
from stages.config.train import TrainConfig
from stages.train.heads.balance import (
    BOTH,
    NONE,
    WEIGHTS,
    balance_of,
    imbalance,
    label_weights,
    sample_indices,
)
from stages.train.heads.head_fit import fit_of
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import StandardisedFeatures
from stages.train.search.search_space import Categorical, dimensions
from tests.train.conftest import INPUT, hyperparameters

RARE = np.repeat([0, 1, 2], [60, 12, 4])


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([40, 40], NONE),
        ([60, 40], NONE),
        ([61, 40], WEIGHTS),
        ([90, 9], WEIGHTS),
        ([91, 9], BOTH),
    ],
)
def test_auto_goes_by_the_counts(counts, expected):
    assert balance_of("auto", np.array(counts)) == expected


def test_a_label_that_nobody_has_does_not_count():
    assert imbalance(np.array([30, 0, 10])) == 3


def test_what_is_named_is_not_guessed():
    assert balance_of("none", np.array([1000, 1])) == NONE


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_weights_rise_with_rarity_and_are_one_in_the_mean(power):
    counts = np.bincount(RARE)

    weights = label_weights(counts, power)

    assert weights @ counts == pytest.approx(counts.sum(), rel=1e-5)
    assert weights[1] / weights[0] == pytest.approx(5**power, rel=1e-5)


def test_sampling_shows_all_labels_equally_often_and_the_common_ones_anew_each_time():
    first, second = (shown(1.0, seed) for seed in (0, 1))

    assert np.bincount(RARE[first]).tolist() == [26, 25, 25]
    assert len(set(first[RARE[first] == 0])) == 26
    assert set(first[RARE[first] == 2]) == set(np.flatnonzero(RARE == 2))
    assert set(first[RARE[first] == 0]) != set(second[RARE[second] == 0])


def shown(power: float, seed: int) -> np.ndarray:
    return sample_indices(RARE, power, np.random.default_rng(seed))


def test_half_of_both_is_the_whole():
    counts = np.bincount(RARE[shown(BOTH.sampling, 0)])

    effective = counts * label_weights(np.bincount(RARE), BOTH.weights)

    np.testing.assert_allclose(effective / effective.sum(), 1 / 3, atol=0.02)


def test_without_sampling_every_row_is_shown_once():
    assert sorted(shown(0.0, 0)) == list(range(len(RARE)))


def test_a_search_may_choose_among_balances():
    train = TrainConfig(
        families=["squeezenet"],
        search_space=SearchSpace(class_balance=("none", "sampling", "auto")),
    )

    assert Categorical("class_balance", ("none", "sampling", "auto")) in dimensions(train)


@pytest.mark.parametrize("head", ["linear", "hidden"])
def test_a_rare_label_is_found_more_often_among_samples_held_out(head):
    recalls = {
        how: recall_of_the_rare(how, head)
        for how in ("none", "auto", "sampling", "weights", "both")
    }

    without = recalls.pop("none")
    assert min(recalls.values()) > without + 0.1


def recall_of_the_rare(how: str, head: str) -> float:
    """Among 200 new samples of a label that had a tenth of the other's."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [200, 20])
    features = rng.normal(size=(220, 4)).astype(np.float32) + labels[:, None] * 0.9
    problem = Problem(
        {INPUT: features.astype(np.float32)},
        labels,
        np.arange(220) % 2,
        np.ones(220, bool),
        classes=2,
        folds=2,
    )
    fit = fit_of(
        problem, StandardisedFeatures(problem, INPUT), hyperparameters(head=head, class_balance=how)
    )
    fit.fit(12, patience=100)
    new = rng.normal(size=(200, 4)) + 0.9
    return float((answers(fit.arrays(), new) == 1).mean())


def answers(head: dict, features: np.ndarray) -> np.ndarray:
    if "head.hidden.weight" in head:
        features = np.maximum(features @ head["head.hidden.weight"] + head["head.hidden.bias"], 0)
    return (features @ head["head.out.weight"] + head["head.out.bias"]).argmax(axis=1)
