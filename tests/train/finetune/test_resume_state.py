"""How far phase two has come survives as files."""

import numpy as np
import pytest

from stages.models.arrays import pack_arrays
from stages.train.finetune.resume_state import Course
from stages.train.search.successive_halving import RungBudget, Trial, TrialResult

TAUGHT = TrialResult(
    {"accuracy": 0.5}, 2, False, [{"accuracy": 0.5}], pack_arrays({"a": np.ones(2)})
)
LEG = RungBudget(11, 12, {"learning_rate": 0.002, "mixing": "none"})


def course() -> Course:
    made = Course()
    made.finish(LEG, TAUGHT)
    state = ({"values": np.arange(3, dtype=np.float32)}, {"done": 7, "curve": [{"loss": 1.0}]})
    made.keep(LEG, state)
    return made


def test_what_was_saved_is_found_again(tmp_path):
    course().save(tmp_path)
    found = Course.load(tmp_path)

    assert found.known(LEG) == found.brought(LEG) == TAUGHT
    arrays, plain = found.state(LEG)
    np.testing.assert_array_equal(arrays["values"], [0, 1, 2])
    assert plain == {"done": 7, "curve": [{"loss": 1.0}]}


@pytest.mark.parametrize(
    "other",
    [
        LEG._replace(epochs=4),
        LEG._replace(number=3),
        LEG._replace(hyperparameters={"learning_rate": 0.001, "mixing": "none"}),
    ],
)
def test_another_leg_is_not_known(other):
    assert course().known(LEG) == TAUGHT
    assert course().known(other) is None


def test_a_trial_goes_on_to_its_next_leg_and_one_of_other_hyperparameters_does_not():
    further = LEG._replace(epochs=36)

    assert course().state(further) is not None
    assert course().state(further._replace(hyperparameters={"learning_rate": 0.001})) is None


def test_the_state_of_a_trial_that_ended_is_dropped():
    made = course()
    made.drop(Trial(LEG.number, LEG.hyperparameters))

    assert made.state(LEG) is None
    assert made.known(LEG) == TAUGHT


def test_without_a_folder_it_begins():
    assert Course.load(None) == Course()
