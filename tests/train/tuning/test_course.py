"""How far phase two has come survives as files."""

import numpy as np

from stages.models.arrays import pack_arrays
from stages.train.halving import Leg, Taught
from stages.train.tuning.course import Course


def course() -> Course:
    taught = Taught(
        {"accuracy": 0.5}, 2, False, [{"accuracy": 0.5}], pack_arrays({"a": np.ones(2)})
    )
    state = ({"values": np.arange(3, dtype=np.float32)}, {"done": 7, "curve": [{"loss": 1.0}]})
    return Course({(0, 4): taught, (11, 12): taught}, {11: state}, b"the network")


def test_what_was_saved_is_found_again(tmp_path):
    course().save(tmp_path)
    found = Course.load(tmp_path)

    assert found.legs == course().legs
    assert found.final == b"the network"
    arrays, plain = found.states[11]
    np.testing.assert_array_equal(arrays["values"], [0, 1, 2])
    assert plain == {"done": 7, "curve": [{"loss": 1.0}]}


def test_known_legs_are_found_by_trial_and_epochs(tmp_path):
    assert course().known(Leg(11, 12, {})) is not None
    assert course().known(Leg(11, 4, {})) is None


def test_without_a_folder_it_begins():
    assert Course.load(None) == Course()
