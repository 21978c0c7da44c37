"""Candidates are the best inputs, one trial of each, and none that is far behind."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.models.arrays import pack_arrays
from stages.train.finetune.candidates import (
    best_of_each,
    candidates_of,
    measured_on_validation_folds,
    standard_error,
)
from stages.train.heads.prepared import Prepared
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import Trial, TrialResult
from tests.train.conftest import blobs

TRAIN = TrainConfig(
    families=("efficientnet_lite0", "efficientnet_lite1"), metric="accuracy"
).with_tuned(4)
SIZES = TRAIN.model_copy(update={"input_sizes": (224, 320)})


def trial(number: int, lite: int, accuracy: float, size: int = 0, feature_maps: str = "") -> Trial:
    size = size or {0: 224, 1: 256}[lite]
    measures = {"accuracy": accuracy, "log_loss": 1 - accuracy}
    result = TrialResult(measures, 1, True, [measures], b"")
    hyperparameters = {"input": f"efficientnet_lite{lite}@{size}", "head": "linear"}
    hyperparameters |= {"feature_maps": feature_maps} if feature_maps else {}
    return Trial(number, hyperparameters, 1, accuracy, True, result)


def numbers(*trials: Trial, train: TrainConfig = TRAIN) -> list[int]:
    prepared = Prepared(blobs(samples=90), (), 3, {})  # one standard error is about 0.04
    return [trial.number for trial in candidates_of(trials, train, prepared)]


def test_the_best_trial_of_each_input_is_a_candidate():
    assert numbers(trial(0, 0, 0.80), trial(1, 0, 0.85), trial(2, 1, 0.84)) == [1, 2]


def test_an_input_that_is_far_behind_is_no_candidate():
    assert numbers(trial(0, 0, 0.85), trial(1, 1, 0.60)) == [0]


@pytest.mark.parametrize(
    ("score", "metric", "error"),
    [
        (0.5, "accuracy", 0.05),
        (0.0, "accuracy", 0.0),  # a share like any other, and no log loss
        (0.0, "balanced_accuracy", 0.0),
        (1.0, "accuracy", 0.0),
        (-0.7, "log_loss", 0.1),
        (-0.0, "log_loss", 0.1),
    ],
)
def test_the_metric_and_not_the_score_decides_which_standard_error_it_is(score, metric, error):
    assert standard_error(score, metric, 100) == pytest.approx(error)


def test_a_family_counts_by_its_best_size():
    small = SIZES.with_tuned(4, ("efficientnet_lite0@224", "efficientnet_lite1@224"))
    shown = [trial(0, 0, 0.80, 224), trial(1, 1, 0.79, 224), trial(2, 1, 0.86, 320)]

    assert numbers(*shown, train=small) == [1, 0]


def test_there_are_no_more_candidates_than_trials():
    train = TRAIN.with_tuned(1)

    assert numbers(trial(0, 0, 0.85), trial(1, 1, 0.84), train=train) == [0]


def test_only_inputs_within_the_budget_are_candidates():
    short = TRAIN.with_tuned(4, ("efficientnet_lite0@224",))

    assert numbers(trial(0, 0, 0.80), trial(1, 1, 0.84), train=short) == [0]


def test_the_best_head_of_every_input_is_a_baseline():
    short = TRAIN.with_tuned(4, ("efficientnet_lite0@224",))
    trials = [trial(0, 0, 0.80), trial(1, 0, 0.70), trial(2, 1, 0.84)]
    prepared = Prepared(blobs(samples=90), (), 3, {})

    assert [trial.number for trial in best_of_each(trials, short, prepared)] == [2, 0]


def test_a_candidate_starts_from_the_best_head_on_the_last_map():
    trials = [
        trial(0, 0, 0.80, feature_maps="last"),
        trial(1, 0, 0.83, feature_maps="last"),
        trial(2, 0, 0.90, feature_maps="last+16+8"),
        trial(3, 0, 0.85, feature_maps="last+16"),
        trial(4, 1, 0.86),  # of a family without a choice of maps
    ]

    assert numbers(*trials) == [1, 4], "families are in the order of their best heads of all"


def test_a_family_is_not_far_behind_if_its_head_on_inner_maps_is_not():
    trials = [
        trial(0, 0, 0.90),
        trial(1, 1, 0.60, feature_maps="last"),
        trial(2, 1, 0.89, feature_maps="last+16"),
    ]

    assert numbers(*trials) == [0, 1]
    assert numbers(*trials[:2]) == [0]


def test_an_input_without_a_head_on_the_last_map_is_no_candidate():
    assert numbers(
        trial(0, 0, 0.80, feature_maps="last"), trial(1, 1, 0.84, feature_maps="last+16")
    ) == [0]


def test_a_baseline_may_take_inner_maps():
    trials = [trial(0, 0, 0.80, feature_maps="last"), trial(1, 0, 0.84, feature_maps="last+16")]
    prepared = Prepared(blobs(samples=90), (), 3, {})

    assert [each.number for each in best_of_each(trials, TRAIN, prepared)] == [1]


def test_a_head_is_measured_on_the_folds_of_fine_tuning_alone():
    """It is right in the first fold, and wrong in the others."""
    problem = blobs(samples=90)
    rows = np.arange(90)
    answers = np.where(problem.fold_of_row == 0, problem.labels, (problem.labels + 1) % 3)
    logits = 5 * np.eye(3, dtype=np.float32)[answers]
    head = trial(0, 0, 0.3)
    arrays = pack_arrays({"rows": rows, "logits": logits})
    head = replace(head, result=replace(result_of(head), arrays=arrays))
    train = TRAIN.with_finetuning(folds=1)

    found = measured_on_validation_folds(head, Prepared(problem, (), 3, {}), train)

    assert train.validation_folds == 1
    assert found.score == result_of(found).measures["accuracy"] == 1.0
    assert result_of(found).measures["log_loss"] < 0.1
    assert result_of(found).arrays == arrays
    assert head.score == 0.3, "the trial itself stays"
