"""A cluster of three machines: all of them work, and the model is the one that is made here."""

import json
import os
import subprocess
import sys

import pytest

from stages.config import TrainConfig, TrainSlice
from stages.opening import open_store
from stages.tracking import QuietRun
from stages.train import train
from tests import makers
from tests.train.conftest import INPUT

pytestmark = pytest.mark.slow

CONFIG = TrainConfig(
    families=(INPUT.partition("@")[0],),
    input_sizes=(64,),
    epochs=40,
    patience=40,
    trials=6,
    batch=3,
    folds=3,
    growth=False,
    workers=3,
    finetune={"trials": 1, "epochs": 3},
)


def on_three_machines(folder, *kill: str) -> dict:
    """What the program says of training in `folder`."""
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(32).hex()}
    patient = {"RAY_raylet_start_wait_time_s": "240", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-m", "tests.train.distributed.three_machines", str(folder)]
    done = subprocess.run(
        [*program, TrainSlice(train=CONFIG).model_dump_json(), *kill],
        env={**os.environ, **secret, **patient},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {name: value for line in lines for name, value in line.items()}


@pytest.fixture(scope="module")
def here(ray_running, tmp_path_factory):
    """The id of the model that is made on this machine."""
    store = open_store(makers.settings(tmp_path_factory.mktemp("here")))
    dataset = makers.dataset(store, each=20, views=1)
    part = TrainSlice(train=CONFIG)
    return train(dataset, part, store=store, run=QuietRun(), resources=ray_running).ref.id


def test_all_machines_work_and_make_the_model_that_is_made_here(here, tmp_path):
    outcome = on_three_machines(tmp_path)

    assert outcome["model"] == here
    kinds = ("ray::RayPieceWorker", "ray::RayTrainWorker")
    assert [outcome["machines"][kind] for kind in kinds] == [3, 3]
    # The features take seconds: one worker may be through before the others have started.
    assert outcome["machines"]["features"] >= 1


@pytest.mark.chaos
def test_a_killed_worker_does_not_change_the_model(here, tmp_path):
    outcome = on_three_machines(tmp_path, "kill")

    assert outcome["killed"]
    assert outcome["model"] == here
