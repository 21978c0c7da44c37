"""kill -9 of workers and drivers at random moments gives the same weights, to the last bit."""

import random
import signal
import time

import pytest

from tests import makers
from tests.train.distributed.killable_run import KillableRun, alive
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.chaos
KILLS = 5
AGENTS = 150  # seconds; two helpers of Ray's look for its servers for a minute


@pytest.mark.parametrize("seed", [0, 1])
def test_killing_changes_nothing_and_costs_only_what_was_done_since_the_checkpoint(seed, tmp_path):
    rng = random.Random(seed)
    disturbed = KillableRun(tmp_path, pause=0.5)
    started, least = [], [0]
    disturbed.start()
    for _ in range(KILLS):
        disturbed.working()
        time.sleep(rng.uniform(0, 4))
        if disturbed.process.poll() is not None:
            break
        started += disturbed.family()
        least.append(disturbed.at)
        if rng.random() < 0.5 and disturbed.workers():
            rng.choice(disturbed.workers()).send_signal(signal.SIGKILL)
        else:
            disturbed.process.kill()
            disturbed.process.wait()
            disturbed.start()

    if disturbed.process.wait():
        disturbed.start()
        assert disturbed.process.wait() == 0, (tmp_path / "told").read_text()
    assert disturbed.files() == run(makers.settings(tmp_path / "calm"), 1)[1]
    assert len(disturbed.start_steps) >= len(least) - 1
    assert disturbed.start_steps == sorted(disturbed.start_steps)
    assert alive(started, AGENTS) == []
