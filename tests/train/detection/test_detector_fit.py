"""Training a detector: step by step, the same in one process or two, and resumed from a state."""

from dataclasses import replace

import numpy as np
import pytest

from stages.train.cost.detection_budget import BATCH_PARTS
from stages.train.detection.detector_fit import DetectorFit
from tests.train.detection.conftest import hyperparameters

# of an epoch: its first and last loss; norms of the weights, of what their mean differs by, and of
# the first moments
EPOCH = (3.923177, 3.755534, 360.0823, 0.2168937, 1.585194)


@pytest.fixture(scope="module")
def trained(problem):
    fit = DetectorFit(problem, hyperparameters())
    fit.train_epoch()
    return fit


def test_equal_trials_are_equal_to_the_last_bit(problem, trained):
    again = DetectorFit(problem, hyperparameters())
    again.train_epoch()

    _equal(again, trained)


def test_an_epoch_comes_to_what_it_came_to(trained):
    """Numbers that change only if detectors are trained in another way."""
    found = [
        *(trained.losses[0], trained.losses[-1], np.linalg.norm(trained.values)),
        *(np.linalg.norm(trained.mean - trained.values), np.linalg.norm(trained.optimizer.first)),
    ]

    numbers = [float(number) for number in found]
    assert numbers == pytest.approx(EPOCH, rel=5e-3), numbers


def test_two_that_train_a_half_each_come_to_the_result_of_one(problem, trained):
    pair = [DetectorFit(problem, hyperparameters()) for _ in range(BATCH_PARTS)]

    for _ in range(trained.steps):
        halves = [fit.half_batch_gradient(place) for place, fit in enumerate(pair)]
        for fit in pair:
            fit.step(sum(halves[1:], halves[0]))

    _equal(pair[0], trained)
    _equal(pair[1], trained)


def test_a_trial_goes_on_from_its_state_as_if_it_had_not_stopped(problem, trained):
    first = DetectorFit(problem, hyperparameters())
    first.step(sum(first.half_batch_gradient(place) for place in range(BATCH_PARTS)))

    again = DetectorFit(problem, hyperparameters(), state=first.state())
    while again.epoch < 1:
        again.step(sum(again.half_batch_gradient(place) for place in range(BATCH_PARTS)))

    _equal(again, trained)


def test_mosaics_end_where_the_config_says(problem, dataset):
    mosaic = {"mosaic": {"chance": 1.0, "until": 0.85}}
    mosaics = dataset.model_copy(update={"augmentations": (mosaic,)})
    scenes = replace(problem.scenes, dataset=mosaics)
    shown: list = []

    class Watched(type(scenes)):
        def augmented(self, *arguments):
            shown.append(super().augmented(*arguments))
            return shown[-1]

    watched = Watched(**vars(scenes))
    fit = DetectorFit(replace(problem, scenes=watched, epochs=10), hyperparameters())
    plain = {scenes.plain(index, 96).picture.tobytes() for index in range(len(scenes.training))}

    def are_plain(done):
        shown.clear()
        fit.done = done
        fit.half_batch_gradient(0)
        return [scene.picture.tobytes() in plain for scene in shown]

    assert not any(are_plain(0) + are_plain(int(8.4 * fit.steps)))
    assert all(are_plain(9 * fit.steps) + are_plain(10 * fit.steps - 1))


def test_training_lowers_the_loss(problem):
    fit = DetectorFit(problem, hyperparameters())
    for _ in range(3):
        fit.train_epoch()

    assert np.mean(fit.losses[-fit.steps :]) < 0.8 * fit.losses[0]


def test_the_stem_keeps_its_weights_and_the_layers_behind_it_do_not(problem, trained):
    arrays, published = trained.arrays(), problem.published["lite_detector"]

    moved = {name for name in published if np.any(arrays[f"backbone.{name}"] != published[name])}

    assert not any(name.startswith(("stem.", "blocks.0.", "blocks.4.")) for name in moved)
    assert any(name.startswith("blocks.15.") for name in moved)
    assert not any(name.endswith(("_mean", "_variance")) for name in moved)


def test_a_frozen_backbone_stays_as_published(problem):
    fit = DetectorFit(problem, hyperparameters(backbone_rate=0.0))
    fit.step(sum(fit.half_batch_gradient(place) for place in range(BATCH_PARTS)))

    arrays = fit.arrays()
    assert all(
        np.array_equal(arrays[f"backbone.{name}"], array)
        for name, array in problem.published["lite_detector"].items()
    )


def test_a_batch_may_be_larger_than_the_data(problem):
    few = replace(problem.scenes, training=problem.scenes.training[:3])
    fit = DetectorFit(replace(problem, scenes=few), hyperparameters(batch_size=8))

    fit.train_epoch()

    assert fit.steps == 1
    assert np.isfinite(fit.values).all()


def test_one_scene_without_boxes_can_be_trained_on(problem):
    empty = next(scene for scene in problem.scenes.training if not len(scene.boxes))
    fit = DetectorFit(
        replace(problem, scenes=replace(problem.scenes, training=(empty,))),
        hyperparameters(batch_size=1),
    )

    fit.train_epoch()

    assert np.isfinite(fit.values).all()


def test_every_epoch_shows_every_scene_in_new_views(problem):
    fit = DetectorFit(problem, hyperparameters())
    count = len(problem.scenes.training)
    shown = []
    for _ in range(2 * fit.steps):
        shown += fit._batch()
        fit.done += 1

    assert len(set(shown)) == len(shown)
    assert {place for place, _ in shown[: len(shown) // 2]} == set(range(count))


def _equal(fit: DetectorFit, other: DetectorFit) -> None:
    np.testing.assert_array_equal(fit.values, other.values)
    np.testing.assert_array_equal(fit.mean, other.mean)
    assert fit.losses == other.losses


def test_matrices_alone_are_decayed_and_the_backbone_learns_at_its_own_rate(trained):
    start = 0
    for number, parameter in enumerate(trained.parameters):
        part = slice(start, start + parameter.size)
        start += parameter.size
        decay = 0.05 if len(parameter.shape) > 1 else 0.0
        np.testing.assert_array_equal(trained.optimizer.decay[part], np.float32(decay))
        rate = trained.optimizer.lr_multiplier[part]
        assert np.unique(rate).tolist() == [np.float32(0.3 if number < _tuned(trained) else 1.0)]
    assert start == trained.optimizer.decay.size


def _tuned(fit) -> int:
    """How many parameters of the backbone are trained; they come first."""
    return sum(not parameter.stop_gradient for parameter in fit.network.backbone.tuned())
