"""Training in a process of its own: what it makes and raises is heard, and its end is survived."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from operators.train import TrainOperator
from stages.config import TrainConfig, TrainSlice, parse_pipeline
from stages.etl import source
from stages.opening import open_store, resources_of
from stages.parts import TRAINERS
from stages.runner.stage import run_stage
from stages.runner.training_process import train_in_process
from stages.runtime.errors import ConfigError, InfrastructureError
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train import train
from tests import makers
from tests.operators.conftest import context

QUICK: dict[str, Any] = {
    "families": ("efficientnet_lite0",),
    "input_sizes": (64,),
    "epochs": 9,
    "trials": 2,
    "growth": False,
    "finetune": {"trials": 0},
}
YAML = """
name: shapes
task: image_classification
data: shapes
etl: {splits: {train: 0.6, validation: 0.2, test: 0.2}}
train: {families: [efficientnet_lite0], input_sizes: [64], trials: 40, epochs: 400, patience: 400}
deploy: {targets: [device_sdk]}
"""


class Disturbed(QuietRun):
    """Does something once, when the first progress is heard."""

    def __init__(self, deed: Callable[[], None]) -> None:
        self.deed: Callable[[], None] | None = deed

    def progress(self, what: str, done: int, total: int) -> None:
        deed, self.deed = self.deed, None
        if deed:
            deed()


@pytest.fixture
def services(tmp_path):
    settings = makers.settings(tmp_path)
    return {"store": open_store(settings), "settings": settings}


def drivers(parent: psutil.Process | None = None) -> list[psutil.Process]:
    """The processes below `parent`, this one by default, that train."""
    family = (parent or psutil.Process()).children(recursive=True)
    return [
        process
        for process in family
        if "stages.runner.training_process" in " ".join(command_of(process))
    ]


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def request(**changes: Any) -> TrainSlice:
    return TrainSlice(train=TrainConfig.model_validate({**QUICK, **changes}))


@pytest.mark.slow
def test_it_makes_the_model_that_is_made_here(services):
    dataset = makers.dataset(services["store"], each=10)

    model = train_in_process(dataset, request(), run=QuietRun(), **services)

    assert drivers() == []
    resources = resources_of(services["settings"])
    here = train(dataset, request(), store=services["store"], run=QuietRun(), resources=resources)
    assert model.ref == here.ref


@pytest.mark.slow
def test_what_it_raises_is_raised_here_with_its_remedy(services):
    dataset = makers.dataset(services["store"], each=4)
    wrong = request(finetune={"trials": 1, "inputs": ["a@1"]})

    with pytest.raises(ConfigError, match="names nothing that can be tuned: a@1") as raised:
        train_in_process(dataset, wrong, run=QuietRun(), **services)

    assert raised.value.remedy


def test_no_key_is_in_the_reach_of_what_trains(services, monkeypatch):
    monkeypatch.setitem(TRAINERS.places, "heads", "tests.runner.spying:Spying")
    monkeypatch.setenv("aiwf_s3_secret_key", "a-secret of a shell")
    dataset = makers.dataset(services["store"], each=4)
    keys = {"s3_access_key": "a-secret name", "s3_secret_key": "a-secret key"}
    services["settings"] = services["settings"].model_copy(
        update={name: SecretStr(key) for name, key in keys.items()} | {"weights": "s3://a/b"}
    )

    with pytest.raises(ConfigError) as raised:
        train_in_process(dataset, request(), run=QuietRun(), **services)

    assert raised.value.problem.startswith("Variables ['AIWF_S3_ENDPOINT'], keys []")
    assert "cores=1" in raised.value.problem
    assert "a-secret" not in raised.value.problem


def test_that_it_is_killed_is_told(services):
    dataset = makers.dataset(services["store"], each=4)
    run = Disturbed(lambda: [driver.kill() for driver in drivers()] and None)

    with pytest.raises(InfrastructureError, match="was ended by SIGKILL") as raised:
        train_in_process(dataset, request(), run=run, **services)

    assert raised.value.retry_helps
    assert "Run again" in raised.value.remedy


def test_who_leaves_takes_it_along(services):
    dataset = makers.dataset(services["store"], each=4)

    def leave() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_in_process(dataset, request(), run=Disturbed(leave), **services)

    assert drivers() == []


def prepared(folder: Path) -> Settings:
    settings = makers.settings(folder)
    source.add("shapes", makers.folder_of_pictures(folder / "pictures", each=12), settings)
    (folder / "shapes.yaml").write_text(YAML)
    return settings


def command(folder: Path, settings: Settings) -> "subprocess.Popen[str]":
    """`aiwf run` of a pipeline whose training takes minutes."""
    return subprocess.Popen(
        [Path(sys.executable).parent / "aiwf", "run", folder / "shapes.yaml"],
        env={**os.environ, "AIWF_WORKSPACE": str(settings.root), "AIWF_THREADS": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def victim(parent: psutil.Process, name: str) -> psutil.Process:
    """The process `name` of Ray below `parent`, when trials are being taught."""
    end = time.monotonic() + 300
    while time.monotonic() < end and parent.is_running():
        family = parent.children(recursive=True)
        titles = {process: (command_of(process) or [""])[0] for process in family}
        busy = any(title.startswith("ray::RayPieceWorker") for title in titles.values())
        found = [process for process, title in titles.items() if name in title]
        if busy and found:
            return found[0]
        time.sleep(0.2)
    raise AssertionError(f"{name} did not come up")


@pytest.mark.chaos
@pytest.mark.parametrize("name", ["gcs_server", "raylet", "driver"])
def test_a_command_whose_cluster_dies_says_so_and_leaves_nothing(name, tmp_path):
    process = command(tmp_path, prepared(tmp_path))
    parent = psutil.Process(process.pid)
    ray = victim(parent, "raylet" if name == "driver" else name)
    family = parent.children(recursive=True)

    (drivers(parent)[0] if name == "driver" else ray).kill()
    stderr = process.communicate(timeout=300)[1]

    assert process.returncode == InfrastructureError.exit_code, stderr
    assert "Run again" in stderr
    assert "Traceback" not in stderr
    assert psutil.wait_procs(family, timeout=60)[1] == []


@pytest.mark.chaos
def test_a_task_of_airflow_whose_cluster_dies_can_be_tried_again(tmp_path, monkeypatch):
    settings = prepared(tmp_path)
    monkeypatch.setenv("AIWF_WORKSPACE", str(settings.root))
    config = parse_pipeline(YAML).model_dump(mode="json")
    dataset = run_stage("etl", config, {}, run="shapes-one", settings=settings)
    task = TrainOperator(task_id="train", config=config, inputs={"dataset": dataset})
    killing = threading.Thread(target=lambda: victim(psutil.Process(), "raylet").kill())
    killing.start()

    with pytest.raises(InfrastructureError, match="Ray ended while it was in use"):
        task.execute(context("one"))

    killing.join()
    assert drivers() == []
