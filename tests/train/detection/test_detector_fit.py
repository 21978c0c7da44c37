"""Teaching a detector: step by step, the same by one process or two, and again from a state."""

from dataclasses import replace

import numpy as np
import pytest

from stages.train.cost.detection_budget import HALVES
from stages.train.detection.detector_fit import Fit
from tests.train.detection.conftest import hyperparameters


@pytest.fixture(scope="module")
def taught(problem):
    fit = Fit(problem, hyperparameters())
    fit.teach_epoch()
    return fit


def test_equal_trials_are_equal_to_the_last_bit(problem, taught):
    again = Fit(problem, hyperparameters())
    again.teach_epoch()

    _equal(again, taught)


def test_two_that_teach_a_half_each_come_to_what_one_comes_to(problem, taught):
    pair = [Fit(problem, hyperparameters()) for _ in range(HALVES)]

    for _ in range(taught.steps):
        halves = [one.half(place) for place, one in enumerate(pair)]
        for one in pair:
            one.step(sum(halves[1:], halves[0]))

    _equal(pair[0], taught)
    _equal(pair[1], taught)


def test_a_trial_goes_on_from_its_state_as_if_it_had_not_stopped(problem, taught):
    begun = Fit(problem, hyperparameters())
    begun.step(sum(begun.half(place) for place in range(HALVES)))

    again = Fit(problem, hyperparameters(), state=begun.state())
    while again.epoch < 1:
        again.step(sum(again.half(place) for place in range(HALVES)))

    _equal(again, taught)


def test_teaching_lowers_the_loss(problem):
    fit = Fit(problem, hyperparameters())
    for _ in range(3):
        fit.teach_epoch()

    assert np.mean(fit.losses[-fit.steps :]) < 0.8 * fit.losses[0]


def test_the_front_keeps_its_weights_and_what_is_behind_it_does_not(problem, taught):
    made, published = taught.arrays(), problem.published["lite_detector"]

    moved = {name for name in published if np.any(made[f"backbone.{name}"] != published[name])}

    assert not any(name.startswith(("stem.", "blocks.0.", "blocks.4.")) for name in moved)
    assert any(name.startswith("blocks.15.") for name in moved)
    assert not any(name.endswith(("_mean", "_variance")) for name in moved)


def test_a_frozen_backbone_stays_as_published(problem):
    fit = Fit(problem, hyperparameters(backbone_rate=0.0))
    fit.step(sum(fit.half(place) for place in range(HALVES)))

    made = fit.arrays()
    assert all(
        np.array_equal(made[f"backbone.{name}"], array)
        for name, array in problem.published["lite_detector"].items()
    )


def test_a_batch_may_be_larger_than_the_data(problem):
    few = replace(problem.scenes, taught=problem.scenes.taught[:3])
    fit = Fit(replace(problem, scenes=few), hyperparameters(batch_size=8))

    fit.teach_epoch()

    assert fit.steps == 1
    assert np.isfinite(fit.values).all()


def test_one_scene_without_boxes_can_be_taught(problem):
    empty = next(one for one in problem.scenes.taught if not len(one.boxes))
    fit = Fit(
        replace(problem, scenes=replace(problem.scenes, taught=(empty,))),
        hyperparameters(batch_size=1),
    )

    fit.teach_epoch()

    assert np.isfinite(fit.values).all()


def test_every_epoch_shows_every_scene_in_new_views(problem):
    fit = Fit(problem, hyperparameters())
    count = len(problem.scenes.taught)
    shown = []
    for _ in range(2 * fit.steps):
        shown += fit._batch()
        fit.done += 1

    assert len(set(shown)) == len(shown)
    assert {place for place, _ in shown[: len(shown) // 2]} == set(range(count))


def _equal(one: Fit, other: Fit) -> None:
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.mean, other.mean)
    assert one.losses == other.losses
