"""Minutes of trials, and what budgets hold, in closed form."""

import pytest

from stages.config import TrainConfig
from stages.config.train import Finetune
from stages.train.cost import budget, detection_budget, finetune_budget
from stages.train.cost.minutes import minutes_of
from stages.train.search.search_space import Input, inputs_of
from stages.train.search.successive_halving import Trial, TrialResult
from tests.train.detection.conftest import config

LITE = Input("efficientnet_lite0", 224)
TRAIN = TrainConfig(families=(LITE.family,), input_sizes=(224,), folds=5)
TEN_EPOCHS = TrialResult({}, 10, False, [{}] * 10, b"")


def trial(**changes) -> Trial:
    return Trial(0, {"input": LITE.name, "freeze": "half"}, result=TEN_EPOCHS, **changes)


def test_a_head_takes_its_epochs_on_every_row():
    seconds = 10 * 20e-6 * 60_000 * (1 + 2)

    assert minutes_of(TRAIN, 60_000, 2)(trial()) == pytest.approx(seconds / 60, abs=1e-4)


def test_a_network_from_scratch_takes_longer_the_wider_it_is():
    train = TrainConfig(families=("small_image",), folds=5)
    plain, wide = (
        Trial(0, {"input": "small_image@64", "width": width}, result=TEN_EPOCHS)
        for width in (1.0, 2.0)
    )

    minutes = minutes_of(train, 6000, 0)

    assert minutes(wide) == pytest.approx(4 * minutes(plain), abs=1e-3)


def test_a_fine_tuned_trial_takes_its_share_of_the_layers_on_its_share_of_the_samples():
    whole = LITE.seconds * finetune_budget.BACKBONE_STEP_PASSES  # one sample, all layers, one core
    seconds = 10 * 600 * 0.8 * 0.45 * whole / 2

    assert minutes_of(TRAIN, 600, 0)(trial(phase=2)) == pytest.approx(seconds / 60, abs=1e-4)


def test_trials_of_heads_fill_the_budget_that_is_left_beside_features():
    """A trial takes a quarter of its epochs in the mean, as halving stops most."""
    train = TRAIN.model_copy(update={"epochs": 60, "growth": False})
    each = budget.TRIAL_OVERHEAD_SECONDS + 20e-6 * 4000 * 2 * 60 * 0.25

    seconds = [budget.head_search_seconds(train, trials, 4000, 1) for trials in (10, 11)]

    assert seconds[1] - seconds[0] == pytest.approx(each, rel=0.02)


def test_detectors_take_their_pictures_with_what_validation_adds():
    train = config(families=("lite_detector",), input_sizes=(320,), epochs=20, trials=1, workers=2)
    (model_input,) = inputs_of(train)
    each = detection_budget.seconds_per_image(model_input)

    found = detection_budget.detection_seconds(train, 300)

    assert found == pytest.approx(75 + 20 * 300 * each * 0.85 * 1.1 / 2)


def test_one_fine_tuned_trial_takes_its_feature_maps_its_epochs_and_those_on_all_samples():
    train = TRAIN.model_copy(update={"finetune": Finetune(trials=1, epochs=6, views=0, folds=1)})
    freeze = train.finetune.search_space.freeze
    shares = {"none": 1.0, "half": 0.45, "most": 0.2}
    share = max(0.45, sum(shares[name] for name in freeze) / len(freeze))
    feature_maps = 500 * (0.006 + LITE.seconds) / 2
    trained = 500 * (0.8 * 6 + 6) * share * LITE.seconds * finetune_budget.BACKBONE_STEP_PASSES / 2

    assert finetune_budget.finetune_seconds(train, 500) == pytest.approx(
        35 + feature_maps + trained
    )
