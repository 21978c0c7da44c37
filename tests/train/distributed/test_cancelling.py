"""Cancelling ends all that was started, and leaves what the next start goes on from."""

import signal
import time

import pytest

from tests import makers
from tests.train.distributed import loops
from tests.train.distributed.killable_run import Disturbed, alive
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "Airflow"])
def test_cancelling_ends_all_processes_and_the_next_start_goes_on(word, tmp_path):
    one = Disturbed(tmp_path, pause=0.3)
    one.start()
    one.working()
    while one.at < 5 and one.process.poll() is None:
        time.sleep(0.1)
    started = one.family()
    assert len(one.workers()) == 2

    one.process.send_signal(word)

    assert one.process.wait(60) != 0
    assert alive(started, 60) == []
    at = one.at
    calm = run(makers.settings(tmp_path / "calm"), 1)[1]
    one.start()
    assert one.process.wait() == 0, (tmp_path / "told").read_text()
    assert one.begun == [0, at]
    assert one.files() == calm
    assert loops.STEPS > at >= 5
