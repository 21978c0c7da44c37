"""A cluster loses a machine during training: the rest continues, with the same result."""

import os
import subprocess
import sys

import pytest

from tests import makers
from tests.train.distributed import loops
from tests.train.distributed.killable_run import KillableRun
from tests.train.distributed.test_driver import run

pytestmark = pytest.mark.chaos


def test_the_group_goes_on_with_fewer_workers_when_the_cluster_shrinks(tmp_path):
    killable = KillableRun(tmp_path, pause=0)
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    patient = {"RAY_raylet_start_wait_time_s": "240", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.train.distributed.shrinking", str(killable.settings.root)],
        env={**os.environ, **secret, **patient},
        capture_output=True,
        text=True,
        timeout=600,
    )
    reports = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]

    assert done.returncode == 0, done.stderr[-3000:]
    assert [int(step) for step, _ in reports] == list(range(loops.STEPS))
    assert (reports[0][1], reports[-1][1]) == ("2", "1")
    assert killable.files() == run(makers.settings(tmp_path / "calm"), 1)[1]
