"""Negatives count in no measure, in both phases of a search."""

from dataclasses import replace

import numpy as np
import pytest

from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.heads.head_fit import fit_of
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures
from stages.train.heads.standardised import StandardisedFeatures
from tests.train.conftest import INPUT, blobs, hyperparameters

OTHER = 2


def problem() -> Problem:
    return replace(blobs(classes=3), other=OTHER)


def test_measures_and_temperature_are_those_of_the_other_samples():
    rng = np.random.default_rng(2)
    logits, truth = rng.normal(size=(60, 3)).astype(np.float32), np.arange(60) % 3
    known = truth != OTHER

    assert measures(logits, truth, OTHER) == measures(logits[known], truth[known])
    assert measures(logits, truth, OTHER) != measures(logits, truth)
    assert best_temperature(logits, truth, OTHER) == best_temperature(logits[known], truth[known])


@pytest.mark.parametrize("head", ["linear", "hidden"])
def test_negatives_count_in_no_measure_of_a_fit_and_still_have_predictions(head: str):
    problem_with_other = problem()
    fit = fit_of(
        problem_with_other,
        StandardisedFeatures(problem_with_other, INPUT),
        hyperparameters(head=head),
    )
    fit.fit(3, 3)

    rows, logits = fit.out_of_fold_logits()
    # a linear head is measured at its temperature
    plain = logits * np.float32(fit.temperature() if head == "hidden" else 1)

    assert len(rows) == 60
    assert problem_with_other.samples == 40
    assert fit.best.measures == pytest.approx(
        measures(plain, problem_with_other.labels[rows], OTHER)
    )


def test_fine_tuning_knows_the_label_of_negatives():
    finetune_problem = FinetuneProblem(problem(), {}, {}, views=0, shards=1, epochs=1)

    assert finetune_problem.held_out_problem.other == OTHER
    assert finetune_problem.all_samples_problem.other == OTHER
    assert finetune_problem.head_problem.other == OTHER
