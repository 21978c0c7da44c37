"""The resume state of fine-tuning survives as files."""

import numpy as np
import pytest

from stages.models.arrays import pack_arrays
from stages.train.finetune.resume_state import ResumeState
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

RESULT = TrialResult(
    {"accuracy": 0.5}, 2, False, [{"accuracy": 0.5}], pack_arrays({"a": np.ones(2)})
)
BUDGET = RungBudget(11, 12, {"learning_rate": 0.002, "mixing": "none"})


def resume_state() -> ResumeState:
    resumable = ResumeState()
    resumable.add_result(BUDGET, RESULT)
    state = ({"values": np.arange(3, dtype=np.float32)}, {"done": 7, "curve": [{"loss": 1.0}]})
    resumable.add_fit_state(BUDGET, state)
    return resumable


def test_what_was_saved_is_found_again(tmp_path):
    resume_state().save(tmp_path)
    found = ResumeState.load(tmp_path)

    assert found.find_result(BUDGET) == found.result(BUDGET) == RESULT
    arrays, plain = found.fit_state(BUDGET)
    np.testing.assert_array_equal(arrays["values"], [0, 1, 2])
    assert plain == {"done": 7, "curve": [{"loss": 1.0}]}


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
