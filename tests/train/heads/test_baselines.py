"""The chosen trial against the best of the others, pair by pair; and on how many samples."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.models.arrays import pack_arrays
from stages.train.heads.baselines import baselines
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.heads.validation_counts import validation_counts
from stages.train.search.successive_halving import Trial, TrialResult

CONFIG = TrainConfig(families=("efficientnet_lite1", "efficientnet_lite0"))
SMALL, LARGE = "efficientnet_lite0@224", "efficientnet_lite1@256"
TRUTH = np.arange(200) % 2
PROBLEM = Problem({}, TRUTH, np.arange(200) % 5, np.ones(200, bool), classes=2, folds=5)


def trial(number: int, where: str, wrong, phase: int = 1, rows=range(200)) -> Trial:
    """One that was wrong on the rows `wrong`, of the `rows` that it judged."""
    kept = np.array(rows)
    logits = np.eye(2, dtype=np.float32)[
        np.where(np.isin(kept, wrong), 1 - TRUTH[kept], TRUTH[kept])
    ]
    found = measures(logits, TRUTH[kept])
    made = Trial(number, {"input": where, "head": "linear"}, 5, found["balanced_accuracy"], True)
    arrays = pack_arrays({"rows": kept, "logits": logits})
    made.result, made.phase = TrialResult(found, 3, False, [], arrays), phase
    return made


def verdicts(chosen: Trial, *others: Trial, metric: str = "balanced_accuracy") -> dict:
    config = CONFIG.model_copy(update={"metric": metric})
    return {
        (one["phase"], one["input"], one["trial"]): one["verdict"]
        for one in baselines([chosen, *others], chosen, config, PROBLEM)
    }


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss"])
def test_a_rival_that_is_wrong_far_more_often_is_beaten(metric):
    said = verdicts(trial(0, SMALL, range(4)), trial(1, LARGE, range(40)), metric=metric)

    assert said == {(1, LARGE, 1): "better"}


@pytest.mark.parametrize("metric", ["balanced_accuracy", "accuracy", "log_loss"])
def test_a_rival_that_is_right_far_more_often_says_so(metric):
    said = verdicts(trial(0, SMALL, range(40)), trial(1, LARGE, range(4)), metric=metric)

    assert said == {(1, LARGE, 1): "worse"}


def test_as_many_other_mistakes_decide_nothing():
    said = verdicts(trial(0, SMALL, range(20)), trial(1, LARGE, range(18, 40)))

    assert said == {(1, LARGE, 1): "undecided"}


def test_mistakes_that_both_make_do_not_hide_those_of_one():
    """20 % against 25 %: apart only because the pairs are compared."""
    said = verdicts(trial(0, SMALL, range(40)), trial(1, LARGE, range(50)))

    assert said == {(1, LARGE, 1): "better"}


def test_each_other_input_and_phase_sends_its_best():
    chosen = trial(3, SMALL, range(10), phase=2, rows=range(100))
    others = trial(0, SMALL, range(30)), trial(1, SMALL, range(24)), trial(2, LARGE, range(28))

    assert set(verdicts(chosen, *others)) == {(1, SMALL, 1), (1, LARGE, 2)}


def test_only_rows_that_both_judged_are_compared():
    chosen = trial(1, SMALL, [], phase=2, rows=range(0, 100))
    (told,) = baselines([chosen, trial(0, SMALL, range(100, 200))], chosen, CONFIG, PROBLEM)

    assert (told["samples"], told["rival"], told["gain"]["value"]) == (100, 1.0, 0.0)


def problem(folds: int, counts=(40, 12)) -> Problem:
    labels = np.repeat([0, 1], counts)
    held = np.arange(len(labels)) % 5 if folds > 1 else np.where(np.arange(len(labels)) % 4, -1, 0)
    plain = np.ones(len(labels), bool)
    return Problem({}, labels, held, plain, classes=2, folds=folds)


def test_a_head_may_be_chosen_over_what_was_tuned_on_one_fold():
    tuned = trial(1, SMALL, range(0, 40), phase=2, rows=range(0, 200, 2))
    (told,) = baselines([trial(0, SMALL, []), tuned], trial(0, SMALL, []), CONFIG, PROBLEM)

    assert (told["phase"], told["samples"], told["rival"]) == (2, 100, 0.8)
    assert told["verdict"] == "better"


def told_of(asked: Problem) -> dict:
    rows = np.concatenate([asked.validation_rows(fold) for fold in range(asked.folds)])
    return validation_counts(asked, rows, ("cat", "dog"))


def test_with_folds_all_samples_judge():
    told = told_of(problem(5))

    assert told["held_out_by_label"] == {"cat": 40, "dog": 12}
    assert "Each of the 52 samples" in told["judged"]
    assert "'dog'" in told["few"]
    assert "12 held-out" in told["few"]


def test_with_one_fold_and_few_validation_samples_a_warning_names_the_number_and_a_way_out():
    told = told_of(problem(1))

    assert told["held_out_by_label"] == {"cat": 10, "dog": 3}
    assert "Only 3 held-out samples of 'dog'" in told["few"]
    assert "train.folds" in told["few"]


def test_with_enough_of_each_there_is_no_warning():
    assert "few" not in told_of(problem(5, (40, 30)))


def test_what_only_one_fold_judged_is_told_as_that():
    told = validation_counts(problem(5), problem(5).validation_rows(0), ("cat", "dog"))

    assert told["judged"] == "Of 5 folds of train and validation 1 judged: 11 samples."


def test_what_teaches_to_reject_judges_nobody():
    other = replace(PROBLEM, other=1)
    chosen, rival = trial(0, SMALL, range(0, 200, 2)), trial(1, LARGE, range(1, 200, 2))

    (told,) = baselines([chosen, rival], chosen, CONFIG, other)

    assert (told["samples"], told["chosen"], told["rival"]) == (100, 0.0, 1.0)
    assert validation_counts(other, np.arange(200), ("cat", "other"))["held_out_by_label"] == {
        "cat": 100
    }
