"""kill -9 of workers and drivers at random moments: the same weights, to the last bit."""

import random
import signal
import time

import pytest

from tests import makers
from tests.train.distributed.killable_run import Disturbed, alive
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.chaos
KILLS = 5
AGENTS = 150  # seconds; two helpers of Ray's look for its servers for a minute


@pytest.mark.parametrize("seed", [0, 1])
def test_killing_changes_nothing_and_costs_only_what_was_done_since_the_checkpoint(seed, tmp_path):
    rng = random.Random(seed)
    one = Disturbed(tmp_path, pause=0.5)
    started, least = [], [0]
    one.start()
    for _ in range(KILLS):
        one.working()
        time.sleep(rng.uniform(0, 4))
        if one.process.poll() is not None:
            break
        started += one.family()
        least.append(one.at)
        if rng.random() < 0.5 and one.workers():
            rng.choice(one.workers()).send_signal(signal.SIGKILL)
        else:
            one.process.kill()
            one.process.wait()
            one.start()

    if one.process.wait():
        one.start()
        assert one.process.wait() == 0, (tmp_path / "told").read_text()
    assert one.files() == run(makers.settings(tmp_path / "calm"), 1)[1]
    assert len(one.begun) >= len(least) - 1
    assert one.begun == sorted(one.begun)
    assert alive(started, AGENTS) == []
