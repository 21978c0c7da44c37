"""The best fine-tuned trial is validated on further folds before it is compared with the heads."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.train import Finetune
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.finetune.finetune_search import FinetuneRequest
from stages.train.finetune.reevaluation import (
    best_of,
    chosen_of,
    join_folds,
    reevaluate,
    reevaluation_rungs,
)
from stages.train.finetune.resume_state import ResumeState
from stages.train.heads.out_of_fold import prediction_arrays
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

SAMPLES, CLASSES, FOLDS = 60, 2, 3
LABELS = np.arange(SAMPLES) % CLASSES
FOLD_OF_ROW = np.arange(SAMPLES) // CLASSES % FOLDS
PROBLEM = Problem({}, LABELS, FOLD_OF_ROW, np.ones(SAMPLES, bool), CLASSES, FOLDS)
TRAIN = TrainConfig(
    families=("efficientnet_lite0",), folds=FOLDS, finetune=Finetune(folds=2), metric="accuracy"
)


def result_of(fold: int, wrong: int, temperature: float = 1.0) -> TrialResult:
    """A result on the samples of `fold`, `wrong` of which are given the wrong label."""
    rows = PROBLEM.validation_rows(fold)
    answered = LABELS[rows].copy()
    answered[:wrong] = 1 - answered[:wrong]
    logits = np.eye(CLASSES, dtype=np.float32)[answered] * 3
    found = measures(logits, LABELS[rows])
    return TrialResult(
        found, 4, False, [found], pack_arrays(prediction_arrays(rows, logits, temperature))
    )


def trial(number: int, result: TrialResult, size: int = 224) -> Trial:
    hyperparameters = {"input": f"efficientnet_lite0@{size}", "freeze": "most"}
    return Trial(number, hyperparameters, 4, result.measures["accuracy"], True, result, phase=2)


def request(*baselines: Trial, train: TrainConfig = TRAIN) -> FinetuneRequest:
    problem = FinetuneProblem(PROBLEM, {}, {}, 0, 1, 4)
    return FinetuneRequest(problem, train, 3, baselines)


def head(accuracy: float) -> Trial:
    """A baseline, measured on both folds."""
    measures_of_head = {
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "log_loss": 1 - accuracy,
    }
    result = TrialResult(measures_of_head, 2, True, [measures_of_head], b"")
    return replace(trial(7, result), phase=1, hyperparameters={"input": "efficientnet_lite0@224"})


def test_each_further_fold_has_a_budget_numbered_after_all_trials():
    best = trial(1, result_of(0, 1))
    three = TRAIN.model_copy(update={"finetune": Finetune(folds=5)})

    assert [
        (fold, budget.number, budget.epochs) for fold, budget in reevaluation_rungs(request(), best)
    ] == [(1, 4, 4)]
    assert [fold for fold, _ in reevaluation_rungs(request(train=three), best)] == [1, 2], (
        "not more than folds"
    )


def test_results_of_two_folds_become_one_at_one_temperature():
    parts = [result_of(1, 4, temperature=2.0), result_of(0, 2)]
    result = join_folds(parts, PROBLEM)
    unseen = unpack_arrays(result.arrays)

    np.testing.assert_array_equal(unseen["rows"], np.flatnonzero(FOLD_OF_ROW < 2))
    assert result.measures["accuracy"] == pytest.approx(34 / 40)
    raw = unseen["logits"] * unseen["temperature"]
    assert np.unique(raw.max(axis=1)).round(3).tolist() == [3.0, 6.0], "each as it was, once warm"
    assert (result.curve, result.best_epoch) == (parts[0].curve, parts[0].best_epoch)


@pytest.mark.parametrize(("wrong", "phase"), [(0, 2), (8, 1)])
def test_a_trial_that_one_fold_was_easy_for_gives_way_to_a_head(wrong: int, phase: int):
    baseline, best = head(0.9), trial(1, result_of(0, 0))
    resume_state = ResumeState()
    resume_state.add_result(RungBudget(4, 4, best.hyperparameters), result_of(1, wrong))

    reevaluated = reevaluate(request(baseline), best, resume_state)

    assert chosen_of(request(baseline), reevaluated).phase == phase
    assert reevaluated.score == pytest.approx((40 - wrong) / 40)
    assert best.score != reevaluated.score or not wrong, "the trial itself stays as it was"
    assert len(unpack_arrays(best.result.arrays)["rows"]) == 20


def test_one_fold_alone_leaves_everything_as_it_is():
    alone = TRAIN.model_copy(update={"finetune": Finetune(folds=1)})
    best = trial(1, before := result_of(0, 1))

    single_fold = request(head(0.5), train=alone)
    reevaluated = reevaluate(single_fold, best, ResumeState())

    assert chosen_of(single_fold, reevaluated) is reevaluated
    assert reevaluated.result == best.result == before


def test_the_best_is_that_of_the_fold_that_all_share():
    trials = [trial(0, result_of(0, 3)), trial(1, result_of(0, 1)), trial(2, result_of(0, 5))]

    assert best_of(request(), trials).number == 1


def test_an_early_stopped_trial_is_not_the_best():
    stopped = replace(trial(0, result_of(0, 0)), reached=3)

    assert best_of(request(), [stopped, trial(1, result_of(0, 4))]).number == 1
