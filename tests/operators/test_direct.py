"""What a DAG run in a process of its own tells is heard by whoever asked for it."""

import json
import os
from dataclasses import replace
from pathlib import Path

from stages.local.dag_test import _outcome
from stages.runner.watch import LogWatch
from stages.tracking import TrialProgress

PROGRESS = TrialProgress("trial 3", "lite0@64 linear", 8, 6, 60, "accuracy", 0.5, 0.75, 3.1)


class Heard(LogWatch):
    def __init__(self) -> None:
        super().__init__()
        self.standings: list[TrialProgress] = []

    def trial(self, standing: TrialProgress) -> None:
        self.standings.append(standing)


def test_how_a_trial_stands_comes_through_the_pipe_without_its_curve():
    from operators.direct import Pipe

    reading, writing = os.pipe()
    pipe, watch = Pipe(writing), Heard()

    pipe.trial(replace(PROGRESS, curve=({"accuracy": 0.5},), params={"rate": 0.1}))
    pipe.send(run="one", state="success")
    with os.fdopen(reading) as events_pipe:
        events = [json.loads(events_pipe.readline()) for _ in range(2)]

    assert _outcome(iter(events), watch, Path("log")) == "one"
    assert watch.standings == [PROGRESS]
