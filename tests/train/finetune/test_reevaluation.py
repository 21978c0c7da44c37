"""The best tail is judged by further folds before it is set beside the heads."""

from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.train import Finetune
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.train.finetune.finetune_problem import Question
from stages.train.finetune.reevaluation import best_of, chosen_of, further, joined
from stages.train.finetune.request import Asked
from stages.train.finetune.resume_state import Course
from stages.train.heads.out_of_fold import arrays_of
from stages.train.heads.problem import Problem
from stages.train.heads.scores import measures
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

SAMPLES, CLASSES, FOLDS = 60, 2, 3
LABELS = np.arange(SAMPLES) % CLASSES
HELD = np.arange(SAMPLES) // CLASSES % FOLDS
PROBLEM = Problem({}, LABELS, HELD, np.ones(SAMPLES, bool), CLASSES, FOLDS)
TRAIN = TrainConfig(
    families=("efficientnet_lite0",), folds=FOLDS, finetune=Finetune(folds=2), metric="accuracy"
)


def taught(fold: int, wrong: int, temperature: float = 1.0) -> TrialResult:
    """As the samples of `fold` judge it, who are told the wrong label `wrong` times."""
    rows = PROBLEM.validation_rows(fold)
    told = LABELS[rows].copy()
    told[:wrong] = 1 - told[:wrong]
    logits = np.eye(CLASSES, dtype=np.float32)[told] * 3
    found = measures(logits, LABELS[rows])
    return TrialResult(found, 4, False, [found], pack_arrays(arrays_of(rows, logits, temperature)))


def trial(number: int, made: TrialResult, size: int = 224) -> Trial:
    known = {"input": f"efficientnet_lite0@{size}", "freeze": "most"}
    return Trial(number, known, 4, made.measures["accuracy"], True, made, phase=2)


def asked(*rivals: Trial, train: TrainConfig = TRAIN) -> Asked:
    question = Question(PROBLEM, {}, {}, 0, 1, 4)
    return Asked(question, train, 3, rivals)


def head(accuracy: float) -> Trial:
    """A rival, as both folds judge it."""
    known = {"accuracy": accuracy, "balanced_accuracy": accuracy, "log_loss": 1 - accuracy}
    made = TrialResult(known, 2, True, [known], b"")
    return replace(trial(7, made), phase=1, hyperparameters={"input": "efficientnet_lite0@224"})


def test_each_further_fold_is_one_teaching_numbered_after_all_trials():
    best = trial(1, taught(0, 1))
    three = TRAIN.model_copy(update={"finetune": Finetune(folds=5)})

    assert [(fold, leg.number, leg.epochs) for fold, leg in further(asked(), best)] == [(1, 4, 4)]
    assert [fold for fold, _ in further(asked(train=three), best)] == [1, 2], "not more than folds"


def test_what_two_folds_said_is_one_answer_at_one_temperature():
    parts = [taught(1, 4, temperature=2.0), taught(0, 2)]
    made = joined(parts, PROBLEM)
    unseen = unpack_arrays(made.arrays)

    np.testing.assert_array_equal(unseen["rows"], np.flatnonzero(HELD < 2))
    assert made.measures["accuracy"] == pytest.approx(34 / 40)
    raw = unseen["logits"] * unseen["temperature"]
    assert np.unique(raw.max(axis=1)).round(3).tolist() == [3.0, 6.0], "each as it was, once warm"


@pytest.mark.parametrize(("wrong", "phase"), [(0, 2), (8, 1)])
def test_a_tail_that_one_fold_was_easy_for_gives_way_to_a_head(wrong: int, phase: int):
    rival, best = head(0.9), trial(1, taught(0, 0))
    course = Course()
    course.finish(RungBudget(4, 4, best.hyperparameters), taught(1, wrong))

    assert chosen_of(asked(rival), best, course).phase == phase
    assert best.score == pytest.approx((40 - wrong) / 40)


def test_one_fold_alone_leaves_everything_as_it_is():
    alone = TRAIN.model_copy(update={"finetune": Finetune(folds=1)})
    best = trial(1, before := taught(0, 1))

    assert chosen_of(asked(head(0.5), train=alone), best, Course()) is best
    assert best.result == before


def test_the_best_is_that_of_the_fold_which_judged_all():
    trials = [trial(0, taught(0, 3)), trial(1, taught(0, 1)), trial(2, taught(0, 5))]

    assert best_of(asked(), trials).number == 1


def test_a_trial_that_was_stopped_is_not_the_best_however_it_stood():
    stopped = replace(trial(0, taught(0, 0)), reached=3)

    assert best_of(asked(), [stopped, trial(1, taught(0, 4))]).number == 1
