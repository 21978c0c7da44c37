"""A worker that trains one rung after the other gives what a training at once gives."""

import numpy as np
import pytest

from stages.models.arrays import unpack_arrays
from stages.train.search import trial_worker
from stages.train.search.successive_halving import RungBudget
from stages.train.search.trial_worker import TrialPiece, TrialWorker
from tests.train import here
from tests.train.conftest import blobs, hyperparameters

HIDDEN = hyperparameters(head="hidden", hidden_units=8, dropout=0.0)


def test_a_piece_says_which_trial_it_is():
    assert str(TrialPiece(RungBudget(3, 2, {"l2": 0.1}))) == "Trial 3 with {'l2': 0.1}"


def test_a_trial_goes_on_from_the_state_of_its_last_rung():
    short, long = RungBudget(0, 2, HIDDEN), RungBudget(0, 4, HIDDEN)
    first, second, at_once = (TrialWorker((blobs(), 9)) for _ in range(3))

    _, state = here.finish(first, TrialPiece(short))
    continued, _ = here.finish(second, TrialPiece(long, state))
    whole, _ = here.finish(at_once, TrialPiece(long))

    assert len(continued.curve) == 4
    assert continued.curve == whole.curve
    assert continued.measures == whole.measures
    for name, array in unpack_arrays(whole.arrays).items():
        np.testing.assert_array_equal(unpack_arrays(continued.arrays)[name], array)


@pytest.mark.parametrize(("seconds", "epochs"), [(-1.0, [1, 2, 3]), (60.0, [])])
def test_it_reports_as_often_as_time_passes(monkeypatch, seconds, epochs):
    monkeypatch.setattr(trial_worker, "REPORT_SECONDS", seconds)
    heard: list[int] = []

    here.finish(
        TrialWorker((blobs(), 9)),
        TrialPiece(RungBudget(0, 3, HIDDEN)),
        lambda piece, curve: heard.append(len(curve)),
    )

    assert heard == epochs
