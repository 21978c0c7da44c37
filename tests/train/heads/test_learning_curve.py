"""Accuracy with less data, the gain of more, and when neither can be estimated."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from stages.metrics.power_law import fitted
from stages.runtime.errors import InfrastructureError
from stages.train.heads.growth import growth
from stages.train.heads.learning_curve import SHARES, Curve, curve_of, why_not
from stages.train.heads.part import part_of
from tests.train.conftest import INPUT, blobs, hyperparameters

SIZES = np.array([25.0, 50.0, 75.0, 100.0])


def groups_of(samples: int, size: int = 2) -> list[str]:
    """Groups of `size` samples of one label; labels alternate, as in `blobs`."""
    return [f"{row % 3}/{row // 3 // size}" for row in range(samples)]


def test_a_larger_part_has_all_of_a_smaller_and_groups_stay_whole():
    problem, groups = blobs(samples=60), np.array(groups_of(60))

    parts = [part_of(problem, groups.tolist(), share, 0).is_trained_on for share in SHARES]

    assert [part.sum() for part in parts] == [18, 30, 48, 60]
    assert all((large >= small).all() for small, large in pairwise(parts))
    for part in parts:
        assert set(groups[part]).isdisjoint(groups[~part])


def test_another_seed_is_another_part():
    problem, groups = blobs(samples=60), groups_of(60)

    part, other = (part_of(problem, groups, 0.5, seed).is_trained_on for seed in (0, 1))

    assert part.sum() == other.sum()
    assert (part != other).any()


def test_a_part_has_fewer_training_rows_and_the_same_validation_rows():
    problem = blobs(samples=60)
    part = part_of(problem, groups_of(60), 0.25, 0)

    for fold in range(problem.folds):
        assert set(part.training_rows(fold)) < set(problem.training_rows(fold))
        assert part.validation_rows(fold).tolist() == problem.validation_rows(fold).tolist()


def test_a_power_law_is_found_again():
    law = fitted(SIZES, 0.05 + 2 * SIZES**-0.6)

    assert law.at(200) == pytest.approx(0.05 + 2 * 200**-0.6, abs=0.002)


@pytest.mark.parametrize("errors", [[0.3, 0.3, 0.3, 0.3], [0.1, 0.2, 0.2, 0.3]])
def test_what_does_not_fall_is_not_fitted_as_falling(errors):
    law = fitted(SIZES, np.array(errors))

    assert law.at(100) - law.at(200) == pytest.approx(0, abs=1e-9)


def test_an_error_is_never_below_zero():
    law = fitted(SIZES, 5 * SIZES**-1.0)

    assert 0 <= law.at(1e9) < 0.01


def drawn(chances, samples: int = 400, seeds: int = 3) -> Curve:
    """Samples of two labels that are predicted right with the `chances` [shares, labels]."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % 2
    chance = np.asarray(chances)[:, None, :][:, :, labels]
    hard = rng.random(samples)  # the same samples are hard in every training
    mixed = np.clip(hard + rng.normal(0, 0.05, (len(chances), seeds, samples)), 0, 1)
    sizes = np.outer(SHARES, [100, 100])
    return Curve(SHARES, mixed < chance, labels, np.arange(samples), sizes)


def test_a_label_that_still_learns_is_named_and_the_gain_has_bounds_about_it():
    record = growth(drawn([(0.60, 0.95), (0.74, 0.95), (0.80, 0.95), (0.84, 0.95)]), ("cat", "dog"))

    true = 0.5 * (0.16 - 0.10)  # of which half remains after doubling, for one of two labels
    assert record["gain"]["low"] <= true <= record["gain"]["high"]
    assert record["gain"]["low"] > 0.005
    assert record["first"]["label"] == "cat"
    assert record["first"]["sure"] > 0.9
    assert [point["samples"] for point in record["points"]] == [50, 100, 150, 200]


def test_what_learns_no_more_gains_nothing():
    record = growth(drawn([(0.9, 0.9)] * 4), ("cat", "dog"))

    assert record["gain"]["value"] < 0.01
    assert record["gain"]["low"] == 0


def test_few_samples_leave_it_open():
    chances = [(0.60, 0.95), (0.70, 0.95), (0.76, 0.95), (0.80, 0.95)]
    few, many = (growth(drawn(chances, n), ("cat", "dog"))["gain"] for n in (30, 3000))

    assert few["high"] - few["low"] > 2 * (many["high"] - many["low"])


def test_labels_without_validation_samples_are_left_out():
    assert list(growth(drawn([(0.9, 0.9)] * 4), ("cat", "dog", "other"))["labels"]) == [
        "cat",
        "dog",
    ]


def test_too_few_groups_give_no_curve():
    assert "only 7 groups" in why_not(blobs(samples=21), [str(row) for row in range(21)])
    assert not why_not(blobs(samples=24), [str(row) for row in range(24)])


def test_heads_are_trained_on_parts_with_the_same_result_again(ray_running):
    """Noisy blobs: with more of them the centres are better known."""
    problem, groups = blobs(samples=48, width=24), [str(row) for row in range(48)]
    noise = np.random.default_rng(1).normal(size=problem.features[INPUT].shape) * 5
    problem.features[INPUT] += noise.astype(np.float32)
    arguments = (problem, groups, hyperparameters(), 4, 3, ray_running)

    curve, other = curve_of(*arguments), curve_of(*arguments)

    assert curve.right.shape == (4, 8, 48)
    assert (curve.right == other.right).all()
    means = curve.right.mean(axis=(1, 2))
    assert means[0] < means[-1]
    assert curve.sizes[0].sum() < curve.sizes[-1].sum() == 32


def test_parts_whose_features_have_no_room_are_not_trained(ray_running):
    problem, groups = blobs(samples=48), [str(row) for row in range(48)]
    endless = np.broadcast_to(np.float32(0), (48, 2**34))  # all of it is one number

    with pytest.raises(InfrastructureError, match="Not one worker has room"):
        curve_of(
            replace(problem, features={INPUT: endless}),
            groups,
            hyperparameters(),
            4,
            3,
            ray_running,
        )
