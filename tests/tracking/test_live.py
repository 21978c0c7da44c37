"""Trials are nested runs from their first epoch on, and no more than one call waits for each."""

import threading
from dataclasses import replace

import pytest

from stages.settings import Settings
from stages.tracking import TrialProgress, TrialRecord
from stages.tracking.server import connect
from tests import makers
from tests.tracking.test_mlflow_run import opened, runs_of

FIRST = TrialProgress("trial 0", "lite0@64 linear", 4, 1, 3, "accuracy", 0.5, 0.5, 0.25)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    return makers.settings(tmp_path_factory.mktemp("live"))


def at(epoch: int, **changes) -> TrialProgress:
    """The trial after `epoch`."""
    curve = tuple({"accuracy": number / 10} for number in range(epoch))
    return replace(FIRST, epoch=epoch, curve=curve, params={"rate": 0.1}, **changes)


def written(run) -> None:
    """Wait until all that was told is written."""
    done = threading.Event()
    run._writer.put(done.set)
    assert done.wait(60)


def test_a_trial_is_seen_while_it_is_taught_and_ends_when_it_ends(settings):
    with opened(settings, "seen") as run:
        run.trial(at(2))
        written(run)
        [child] = runs_of(settings, "seen")["trial"]
        assert child.info.status == "RUNNING"
        assert child.data.params == {"rate": "0.1"}
        assert child.data.metrics == {"accuracy": 0.1}

        run.trial(at(3, ended=True))
        written(run)
        [child] = runs_of(settings, "seen")["trial"]
        assert child.info.status == "FINISHED"
        run.log_trials([TrialRecord("trial 0", {"rate": 0.1}, at(3).curve, {"chosen": "yes"})])

    [child] = runs_of(settings, "seen")["trial"]
    history = connect(settings).get_metric_history(child.info.run_id, "accuracy")
    assert [(point.step, point.value) for point in history] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    assert child.data.tags["chosen"] == "yes"


def test_what_is_told_while_the_server_is_slow_goes_in_one_call(settings):
    with opened(settings, "slow") as run:
        gate, calls = threading.Event(), []
        send = run._live._send
        run._live._send = lambda *call: (calls.append(call), send(*call))[1]
        run._writer.put(gate.wait)
        for epoch in range(1, 200):
            run.trial(at(epoch))
        gate.set()
        written(run)

    assert len(calls) == 1


def test_a_call_that_failed_is_made_again_and_nothing_is_lost(settings):
    with opened(settings, "again") as run:
        send, tries = run._live._send, []

        def flaky(*call) -> None:
            tries.append(call)
            if len(tries) == 1:
                raise ConnectionError("busy")
            send(*call)

        run._live._send = flaky
        run.trial(at(3))

    [child] = runs_of(settings, "again")["trial"]
    assert child.data.params == {"rate": "0.1"}
    assert child.data.metrics == {"accuracy": 0.2}


def stop_in_the_middle(run) -> None:
    run.trial(at(1))
    run.trial(replace(at(2, ended=True), name="trial 1"))
    raise KeyboardInterrupt


def test_who_stops_it_leaves_trials_that_were_killed(settings):
    with pytest.raises(KeyboardInterrupt), opened(settings, "stopped") as run:
        stop_in_the_middle(run)

    family = runs_of(settings, "stopped")
    assert {run.info.run_name: run.info.status for run in family["trial"]} == {
        "trial 0": "KILLED",
        "trial 1": "FINISHED",
    }
    assert family["stage"][0].info.status == "KILLED"
    assert family["pipeline"][0].info.status == "KILLED"


def test_what_a_killed_process_left_running_is_ended_by_the_next_try(settings):
    with opened(settings, "forsaken") as dead:
        dead.trial(at(1))
        written(dead)

        with opened(settings, "forsaken"):
            family = runs_of(settings, "forsaken")
            assert [run.info.status for run in family["trial"]] == ["KILLED"]
            assert sorted(run.info.status for run in family["stage"]) == ["KILLED", "RUNNING"]
