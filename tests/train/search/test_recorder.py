"""What is told of a search: how each trial stands, and all of them as a table."""

import io
from dataclasses import replace

import pytest
from pyarrow.parquet import read_table

from stages.config import TrainConfig
from stages.tracking import QuietRun, TrialProgress
from stages.train.cost.minutes import minutes_of
from stages.train.search.recorder import Recorder
from stages.train.search.successive_halving import SuccessiveHalving, Trial, TrialResult

HYPER = {"input": "lite0@64", "head": "linear", "rate": 0.1}


class Heard(QuietRun):
    """Keeps what is told."""

    def __init__(self) -> None:
        self.standings: list[TrialProgress] = []
        self.trials: list = []
        self.files: dict[str, bytes] = {}

    def trial(self, standing) -> None:
        self.standings.append(standing)

    def log_trials(self, trials) -> None:
        self.trials += trials

    def log_file(self, name, data) -> None:
        self.files[name] = data


def curve(*values: float) -> list[dict[str, float]]:
    return [{"accuracy": value, "log_loss": 1 - value} for value in values]


def test_a_trial_is_told_with_its_place_and_what_is_best():
    run = Heard()
    recorder = Recorder(run, 4, "accuracy")

    recorder.epoch(0, HYPER, 2, 4, curve(0.5, 0.8))
    recorder.epoch(1, HYPER, 1, 4, curve(0.6))

    first, second = run.standings
    assert (first.name, first.what, first.number, first.of) == ("trial 0", "lite0@64 linear", 1, 4)
    assert (first.value, first.best, first.done) == (0.8, 0.8, 0.5)
    assert (second.number, second.value, second.best, second.done) == (2, 0.6, 0.8, 0.75)


def test_of_a_loss_the_least_is_best():
    run = Heard()
    recorder = Recorder(run, 4, "log_loss")

    recorder.epoch(0, HYPER, 1, 4, curve(0.7))
    recorder.epoch(1, HYPER, 1, 4, curve(0.6))

    assert [one.best for one in run.standings] == [1 - 0.7, 1 - 0.7]


def test_a_trial_that_halving_ends_is_told_once_as_ended():
    run = Heard()
    recorder = Recorder(run, 2, "accuracy")
    halving = SuccessiveHalving(
        QuietSearcher(), [HYPER, HYPER], total=2, size=2, keep=2, rungs=(1, 2)
    )
    for value in (0.5, 0.8):
        leg = halving.next()
        halving.report(leg, value, TrialResult({}, 1, False, curve(value), b""))
        recorder.heard(halving)
        recorder.heard(halving)

    assert [(one.name, one.ended, one.done) for one in run.standings] == [("trial 0", True, 1.0)]


def test_the_next_phase_counts_anew_and_has_a_name_of_its_own():
    run = Heard()

    second = Recorder(run, 9, "accuracy").next(3)
    second.epoch(12, {"input": "lite0@64", "freeze": "half"}, 1, 2, curve(0.9))

    [told] = run.standings
    assert (told.name, told.what, told.number, told.of) == ("tuned 12", "lite0@64 half", 1, 3)


def test_the_table_has_a_row_for_each_trial_of_both_phases():
    run = Heard()
    taught = TrialResult({"accuracy": 0.9}, 2, True, curve(0.8, 0.9), b"")
    head = Trial(0, HYPER, reached=6, result=taught)
    tail = Trial(1, {"input": "lite0@64", "freeze": "half"}, reached=12, result=taught, phase=2)

    Recorder(run, 1, "accuracy", minutes=lambda one: one.reached / 2).finished([head, tail], tail)

    rows = read_table(io.BytesIO(run.files["trials.parquet"])).to_pylist()
    assert [row["phase"] for row in rows] == [1, 2]
    assert [row["chosen"] for row in rows] == [False, True]
    assert [row["minutes"] for row in rows] == [3.0, 6.0]
    assert [row["rate"] for row in rows] == [0.1, None]
    assert [row["freeze"] for row in rows] == [None, "half"]
    assert [row["accuracy"] for row in rows] == [0.9, 0.9]
    assert [one.name for one in run.trials] == ["trial 0", "tuned 1"]


class QuietSearcher:
    informed = True

    def propose(self, count: int) -> list[dict]:
        return [HYPER] * count

    def learn(self, trials) -> None: ...


def test_minutes_are_counted_from_how_far_a_trial_came():
    train = TrainConfig(families=("efficientnet_lite0",), input_sizes=(64,), trials=2)
    one, other = (
        Trial(0, {"input": "efficientnet_lite0@64"}, result=TrialResult({}, 1, True, told, b""))
        for told in (curve(0.1), curve(0.1, 0.2, 0.3))
    )
    tail = replace(
        one, phase=2, hyperparameters={"input": "efficientnet_lite0@64", "freeze": "half"}
    )
    minutes = minutes_of(train, 1000, 2)

    assert minutes(other) == pytest.approx(3 * minutes(one), rel=0.1)
    assert minutes(tail) > 10 * minutes(one) > 0
