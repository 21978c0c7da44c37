"""Reports of a search: each trial's progress, and all trials as a table."""

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
    """Keeps the reports."""

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


def test_a_trial_is_reported_with_its_place_and_the_best_value():
    run = Heard()
    recorder = Recorder(run, 4, "accuracy")

    recorder.epoch(0, HYPER, 2, 4, curve(0.5, 0.8))
    recorder.epoch(1, HYPER, 1, 4, curve(0.6))

    first, second = run.standings
    assert (first.name, first.what, first.of) == ("trial 0", "lite0@64 linear", 4)
    assert (first.value, first.best, first.done) == (0.8, 0.8, 0.5)
    assert (second.name, second.value, second.best, second.done) == ("trial 1", 0.6, 0.8, 0.75)


def test_of_a_loss_the_least_is_best():
    run = Heard()
    recorder = Recorder(run, 4, "log_loss")

    recorder.epoch(0, HYPER, 1, 4, curve(0.7))
    recorder.epoch(1, HYPER, 1, 4, curve(0.6))

    assert [trial.best for trial in run.standings] == [1 - 0.7, 1 - 0.7]


def test_a_trial_that_halving_ends_is_reported_once_as_ended():
    run = Heard()
    recorder = Recorder(run, 2, "accuracy")
    halving = SuccessiveHalving(
        QuietSearcher(), [HYPER, HYPER], total=2, size=2, keep=2, rungs=(1, 2)
    )
    for value in (0.5, 0.8):
        budget = halving.next()
        halving.report(budget, value, TrialResult({}, 1, False, curve(value), b""))
        recorder.report_rung(halving)
        recorder.report_rung(halving)

    assert [(trial.name, trial.ended, trial.done) for trial in run.standings] == [
        ("trial 0", True, 1.0)
    ]


def test_the_next_phase_counts_anew_and_has_a_name_of_its_own():
    run = Heard()

    second = Recorder(run, 9, "accuracy").next(3)
    second.epoch(12, {"input": "lite0@64", "freeze": "half"}, 1, 2, curve(0.9))

    [standing] = run.standings
    assert (standing.name, standing.what, standing.of) == ("tuned 12", "lite0@64 half", 3)


def test_the_table_has_a_row_for_each_trial_of_both_phases():
    run = Heard()
    result = TrialResult({"accuracy": 0.9}, 2, True, curve(0.8, 0.9), b"")
    head = Trial(0, HYPER, reached=6, result=result)
    finetuned = Trial(
        1, {"input": "lite0@64", "freeze": "half"}, reached=12, result=result, phase=2
    )

    Recorder(run, 1, "accuracy", minutes=lambda trial: trial.reached / 2).report_search(
        [head, finetuned], finetuned
    )

    rows = read_table(io.BytesIO(run.files["trials.parquet"])).to_pylist()
    assert [row["phase"] for row in rows] == [1, 2]
    assert [row["chosen"] for row in rows] == [False, True]
    assert [row["minutes"] for row in rows] == [3.0, 6.0]
    assert [row["rate"] for row in rows] == [0.1, None]
    assert [row["freeze"] for row in rows] == [None, "half"]
    assert [row["accuracy"] for row in rows] == [0.9, 0.9]
    assert [trial.name for trial in run.trials] == ["trial 0", "tuned 1"]


class QuietSearcher:
    tries_defaults_first = True

    def propose(self, count: int) -> list[dict]:
        return [HYPER] * count

    def learn(self, trials) -> None: ...


def test_minutes_are_counted_from_how_far_a_trial_came():
    train = TrainConfig(families=("efficientnet_lite0",), input_sizes=(64,), trials=2)
    short, long = (
        Trial(
            0,
            {"input": "efficientnet_lite0@64"},
            result=TrialResult({}, 1, True, curve_of_trial, b""),
        )
        for curve_of_trial in (curve(0.1), curve(0.1, 0.2, 0.3))
    )
    finetuned = replace(
        short, phase=2, hyperparameters={"input": "efficientnet_lite0@64", "freeze": "half"}
    )
    minutes = minutes_of(train, 1000, 2)

    assert minutes(long) == pytest.approx(3 * minutes(short), rel=0.1)
    assert minutes(finetuned) > 10 * minutes(short) > 0
