"""The resume state of fine-tuning survives as files."""

import numpy as np
import pytest

from stages.models.arrays import pack_arrays
from stages.train.finetune.resume_state import ResumeState
from stages.train.finetune.unfrozen_network import TrainedWeights
from stages.train.heads.fit import Best
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

RESULT = TrialResult(
    {"accuracy": 0.5}, 2, False, [{"accuracy": 0.5}], pack_arrays({"a": np.ones(2)})
)
BUDGET = RungBudget(11, 12, {"learning_rate": 0.002, "mixing": "none"})


def numbers(first: int) -> np.ndarray:
    return np.arange(first, first + 3, dtype=np.float32)


def state(statistics: np.ndarray | None = None) -> dict:
    """As a fit has it; every array is another."""
    best = Best(2, {"accuracy": 0.5}, TrainedWeights(numbers(0), statistics), numbers(10)[None])
    arrays = {"values": numbers(20), "mean": numbers(30), "first": numbers(40)}
    return {"curve": [{"loss": 1.0}], "best": best, "done": 7, **arrays, "second": numbers(50)}


def resume_state(statistics: np.ndarray | None = None) -> ResumeState:
    resumable = ResumeState()
    resumable.add_result(BUDGET, RESULT)
    resumable.add_fit_state(BUDGET, state(statistics))
    return resumable


@pytest.mark.parametrize("statistics", [None, numbers(60)], ids=["frozen", "with statistics"])
def test_what_was_saved_is_found_again(tmp_path, statistics):
    resume_state(statistics).save(tmp_path)
    found = ResumeState.load(tmp_path)

    assert found.find_result(BUDGET) == found.result(BUDGET) == RESULT
    np.testing.assert_equal(found.fit_state(BUDGET), state(statistics))


@pytest.mark.parametrize(
    "other",
    [
        BUDGET._replace(epochs=4),
        BUDGET._replace(number=3),
        BUDGET._replace(hyperparameters={"learning_rate": 0.001, "mixing": "none"}),
    ],
)
def test_another_budget_has_no_result(other):
    assert resume_state().find_result(BUDGET) == RESULT
    assert resume_state().find_result(other) is None


def test_a_trial_continues_to_its_next_rung_and_one_of_other_hyperparameters_does_not():
    further = BUDGET._replace(epochs=36)

    assert resume_state().fit_state(further) is not None
    assert (
        resume_state().fit_state(further._replace(hyperparameters={"learning_rate": 0.001})) is None
    )


def test_the_state_of_a_trial_that_ended_is_dropped():
    resumable = resume_state()
    resumable.drop_fit_state(Trial(BUDGET.number, BUDGET.hyperparameters))

    assert resumable.fit_state(BUDGET) is None
    assert resumable.find_result(BUDGET) == RESULT


def test_without_a_folder_it_begins():
    assert ResumeState.load(None) == ResumeState()
