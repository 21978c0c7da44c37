"""Cancelling ends all that was started, and leaves what the next start resumes from."""

import signal
import time

import pytest

from tests import makers
from tests.train.distributed import loops
from tests.train.distributed.killable_run import KillableRun, alive
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "signal_number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "Airflow"]
)
def test_cancelling_ends_all_processes_and_the_next_start_goes_on(signal_number, tmp_path):
    killable = KillableRun(tmp_path, pause=0.3)
    killable.start()
    killable.working()
    while killable.at < 5 and killable.process.poll() is None:
        time.sleep(0.1)
    started = killable.family()
    assert len(killable.workers()) == 2

    killable.process.send_signal(signal_number)

    assert killable.process.wait(60) != 0
    assert alive(started, 60) == []
    at = killable.at
    calm = run(makers.settings(tmp_path / "calm"), 1)[1]
    killable.start()
    assert killable.process.wait() == 0, (tmp_path / "output").read_text()
    assert killable.start_steps == [0, at]
    assert killable.files() == calm
    assert loops.STEPS > at >= 5
