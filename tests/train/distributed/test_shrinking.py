"""A cluster loses a machine while it teaches: the rest goes on, and comes to the same."""

import os
import subprocess
import sys

import pytest

from tests import makers
from tests.train.distributed import loops
from tests.train.distributed.killable_run import Disturbed
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.slow


def test_the_group_goes_on_with_fewer_workers_when_the_cluster_shrinks(tmp_path):
    one = Disturbed(tmp_path, pause=0)
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    patient = {"RAY_raylet_start_wait_time_s": "240", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.distributed.shrinking", str(one.settings.root)],
        env={**os.environ, **secret, **patient},
        capture_output=True,
        text=True,
        timeout=600,
    )
    told = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]

    assert done.returncode == 0, done.stderr[-3000:]
    assert [int(step) for step, _ in told] == list(range(loops.STEPS))
    assert (told[0][1], told[-1][1]) == ("2", "1")
    assert one.files() == run(makers.settings(tmp_path / "calm"), 1)[1]
