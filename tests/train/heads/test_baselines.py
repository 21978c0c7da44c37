"""The chosen trial against the best of the others, in pairs; and on how many samples."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.models.arrays import pack_arrays
from stages.train.heads.baselines import baselines, comparison
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.heads.validation_counts import validation_counts
from stages.train.search.successive_halving import Trial, TrialResult

CONFIG = TrainConfig(families=("efficientnet_lite1", "efficientnet_lite0"))
SMALL, LARGE = "efficientnet_lite0@224", "efficientnet_lite1@256"
TRUTH = np.arange(200) % 2
PROBLEM = Problem({}, TRUTH, np.arange(200) % 5, np.ones(200, bool), classes=2, folds=5)


def trial(number: int, where: str, wrong, phase: int = 1, rows=range(200)) -> Trial:
    """A trial with validation rows `rows` that is wrong on the rows `wrong`."""
    rows_of_trial = np.array(rows)
    logits = np.eye(2, dtype=np.float32)[
        np.where(np.isin(rows_of_trial, wrong), 1 - TRUTH[rows_of_trial], TRUTH[rows_of_trial])
    ]
    found = measures(logits, TRUTH[rows_of_trial])
    trial_with_result = Trial(
        number, {"input": where, "head": "linear"}, 5, found["balanced_accuracy"], True
    )
    arrays = pack_arrays({"rows": rows_of_trial, "logits": logits})
    trial_with_result.result, trial_with_result.phase = (
        TrialResult(found, 3, False, [], arrays),
        phase,
    )
    return trial_with_result


def verdicts(chosen: Trial, *other_trials: Trial, metric: str = "balanced_accuracy") -> dict:
    config = CONFIG.model_copy(update={"metric": metric})
    return {
        (comparison["phase"], comparison["input"], comparison["trial"]): comparison["verdict"]
        for comparison in baselines([chosen, *other_trials], chosen, config, PROBLEM)
    }


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss"])
def test_a_baseline_that_is_wrong_far_more_often_is_beaten(metric):
    verdict_of = verdicts(trial(0, SMALL, range(4)), trial(1, LARGE, range(40)), metric=metric)

    assert verdict_of == {(1, LARGE, 1): "better"}


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss"])
def test_a_baseline_that_is_right_far_more_often_wins(metric):
    verdict_of = verdicts(trial(0, SMALL, range(40)), trial(1, LARGE, range(4)), metric=metric)

    assert verdict_of == {(1, LARGE, 1): "worse"}


def test_as_many_other_mistakes_decide_nothing():
    verdict_of = verdicts(trial(0, SMALL, range(20)), trial(1, LARGE, range(18, 40)))

    assert verdict_of == {(1, LARGE, 1): "undecided"}


def test_mistakes_that_both_make_do_not_hide_those_of_one():
    """20 % against 25 %: apart only because the pairs are compared."""
    verdict_of = verdicts(trial(0, SMALL, range(40)), trial(1, LARGE, range(50)))

    assert verdict_of == {(1, LARGE, 1): "better"}


def test_each_other_input_and_phase_sends_its_best():
    chosen = trial(3, SMALL, range(10), phase=2, rows=range(100))
    other_trials = (
        trial(0, SMALL, range(30)),
        trial(1, SMALL, range(24)),
        trial(2, LARGE, range(28)),
    )

    assert set(verdicts(chosen, *other_trials)) == {(1, SMALL, 1), (1, LARGE, 2)}


def test_only_common_validation_rows_are_compared():
    chosen = trial(1, SMALL, [], phase=2, rows=range(0, 100))
    (comparison,) = baselines([chosen, trial(0, SMALL, range(100, 200))], chosen, CONFIG, PROBLEM)

    assert (comparison["samples"], comparison["rival"], comparison["gain"]["value"]) == (
        100,
        1.0,
        0.0,
    )


def problem(folds: int, counts=(40, 12)) -> Problem:
    labels = np.repeat([0, 1], counts)
    fold_of_row = (
        np.arange(len(labels)) % 5 if folds > 1 else np.where(np.arange(len(labels)) % 4, -1, 0)
    )
    plain = np.ones(len(labels), bool)
    return Problem({}, labels, fold_of_row, plain, classes=2, folds=folds)


def test_a_head_may_be_chosen_over_what_was_tuned_on_one_fold():
    tuned = trial(1, SMALL, range(0, 40), phase=2, rows=range(0, 200, 2))
    (comparison,) = baselines([trial(0, SMALL, []), tuned], trial(0, SMALL, []), CONFIG, PROBLEM)

    assert (comparison["phase"], comparison["samples"], comparison["rival"]) == (2, 100, 0.8)
    assert comparison["verdict"] == "better"


def counts_of(problem: Problem) -> dict:
    rows = np.concatenate([problem.validation_rows(fold) for fold in range(problem.folds)])
    return validation_counts(problem, rows, ("cat", "dog"))


def test_with_folds_all_samples_are_held_out():
    counts = counts_of(problem(5))

    assert counts["held_out_by_label"] == {"cat": 40, "dog": 12}
    assert "Each of the 52 samples" in counts["judged"]
    assert "'dog'" in counts["few"]
    assert "12 held-out" in counts["few"]


def test_with_one_fold_and_few_validation_samples_a_warning_names_the_number_and_a_way_out():
    counts = counts_of(problem(1))

    assert counts["held_out_by_label"] == {"cat": 10, "dog": 3}
    assert "Only 3 held-out samples of 'dog'" in counts["few"]
    assert "train.folds" in counts["few"]


def test_with_enough_of_each_there_is_no_warning():
    assert "few" not in counts_of(problem(5, (40, 30)))


def test_a_trial_validated_on_one_fold_says_so():
    counts = validation_counts(problem(5), problem(5).validation_rows(0), ("cat", "dog"))

    assert counts["judged"] == "Validated on 1 of 5 folds of train and validation: 11 samples."


def test_negatives_count_in_no_comparison():
    other = replace(PROBLEM, other=1)
    chosen, baseline = trial(0, SMALL, range(0, 200, 2)), trial(1, LARGE, range(1, 200, 2))

    (comparison,) = baselines([chosen, baseline], chosen, CONFIG, other)

    assert (comparison["samples"], comparison["chosen"], comparison["rival"]) == (100, 0.0, 1.0)
    assert validation_counts(other, np.arange(200), ("cat", "other"))["held_out_by_label"] == {
        "cat": 100
    }


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss"])
def test_a_gain_on_a_few_groups_alone_is_undecided(metric):
    groups = np.arange(200) // 40  # five groups, of which one makes the whole difference
    chosen, second = trial(0, SMALL, ()), trial(1, LARGE, range(160, 180))

    alone = comparison(chosen, second, metric, PROBLEM)
    grouped = comparison(chosen, second, metric, replace(PROBLEM, groups=groups))

    assert alone["verdict"] == "better"
    assert grouped["verdict"] == "undecided"
    assert grouped["gain"]["value"] == alone["gain"]["value"]
    assert grouped["gain"]["low"] < alone["gain"]["low"]
