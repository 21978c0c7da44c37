"""Training as a Ray Job: what a stage reports there reaches the run here."""

import socket
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from stages.config import TrainConfig, TrainSlice
from stages.runner.job import submitted
from stages.runner.job.run_messages import ForwardingRun, replay
from stages.runtime.errors import InfrastructureError
from stages.tracking import QuietRun, TrialProgress, TrialRecord
from tests import makers


@dataclass
class RecordedRun:
    """A run that records its calls."""

    calls: list[Any] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))


STANDING = TrialProgress("t", "tail", 2, 3, 4, "accuracy", 0.5, 0.75, 0.25, {"rate": 0.1}, ())
TRIAL = TrialRecord("trial 0", {"rate": 0.1, "head": "linear"}, [{"loss": 0.5}], {"phase": "1"})


def test_what_is_told_there_is_heard_here(capsys, tmp_path):
    store, run = makers.store(tmp_path), RecordedRun()
    there = ForwardingRun(store)

    there.log_params({"rate": np.float32(0.5)})
    there.log_metrics({"loss": 0.25}, 3)
    there.log_tags({"notice": "ü\nsecond line"})
    there.log_file("a.bin", b"\x00\xff")
    there.log_trials([TRIAL])
    there.trial(STANDING)
    there.progress("features", 1, 2)
    for line in ["some library says hello", *capsys.readouterr().out.splitlines()]:
        replay(line, run, store)

    assert run.calls[:4] == [
        ("log_params", {"rate": 0.5}),
        ("log_metrics", {"loss": 0.25}, 3),
        ("log_tags", {"notice": "ü\nsecond line"}),
        ("log_file", "a.bin", b"\x00\xff"),
    ]
    assert run.calls[4] == ("log_trials", [TRIAL])
    assert run.calls[5][1].params == STANDING.params
    assert run.calls[5][1].best == STANDING.best
    assert run.calls[6] == ("progress", "features", 1, 2)


@pytest.mark.slow  # it is tried again for some seconds
def test_an_address_where_nobody_takes_jobs_is_told_with_what_is_needed(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    settings = makers.settings(tmp_path).model_copy(update={"ray": address})
    store = makers.store(tmp_path)
    dataset = makers.dataset(store, each=2)

    with pytest.raises(InfrastructureError, match=r"ray\[default\]==.*RAY_AUTH_TOKEN"):
        submitted(
            dataset, TrainSlice(train=TrainConfig()), store=store, run=QuietRun(), settings=settings
        )
