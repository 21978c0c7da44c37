"""Training as a Ray Job at a real cluster on this machine."""

import os
import subprocess
import sysconfig
import time
import venv
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from stages.artifacts import Dataset, Model
from stages.config import read_pipeline
from stages.etl import etl, source
from stages.local.health import free_port
from stages.opening import open_store, resources_of
from stages.runner.job import submitted
from stages.runner.resolve import resolve
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.tracking import QuietRun
from stages.train import train
from stages.train.distributed.process_folder import process_folder
from tests import makers
from tests.runner.job.test_job import RecordedRun

pytestmark = [pytest.mark.service, pytest.mark.slow]
TOKEN_ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token_hex(32)}
UP = 120  # seconds for the cluster to come up


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a cluster that takes jobs."""
    with process_folder() as home:  # short: pytest's own is too long for Ray's sockets
        yield from cluster_in(home)


def cluster_in(home: Path) -> Iterator[str]:
    """The address of a cluster whose files are in `home`."""
    python, port = with_dashboard(home / "venv"), free_port(23_000 + os.getpid() % 5_000)
    place = ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--temp-dir={home}/r"]
    ports = ["--port=0", f"--dashboard-port={port}"]
    arguments = ["--head", "--block", "--num-cpus=2", *ports, *place]
    environment = TOKEN_ENVIRONMENT | {"PATH": f"{python.parent}:{os.environ['PATH']}"}
    with (home / "log").open("w") as log:
        ray = subprocess.Popen(
            [python, "-m", "ray.scripts.scripts", "start", *arguments],
            env={**os.environ, **environment, "RAY_USAGE_STATS_ENABLED": "0"},
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}", home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        ray.terminate()
        ray.wait(60)


def with_dashboard(folder: Path) -> Path:
    """The Python of an environment in `folder` that has this one's libraries, and what a cluster
    needs beside them to take jobs."""
    venv.create(folder, with_pip=True)
    base = {"base": str(folder), "platbase": str(folder)}
    beside = Path(sysconfig.get_path("purelib", vars=base))
    (beside / "these.pth").write_text(sysconfig.get_path("purelib"))
    wanted = f"ray[default]=={version('ray')}"
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-q", wanted], check=True)
    return folder / "bin/python"


def wait_for(address: str, log: Path) -> None:
    """Until the cluster at `address` answers."""
    token = {"Authorization": f"Bearer {TOKEN_ENVIRONMENT['RAY_AUTH_TOKEN']}"}
    end = time.monotonic() + UP
    while time.monotonic() < end:
        try:
            if httpx.get(f"{address}/api/version", headers=token).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError(log.read_text()[-2000:])


@pytest.fixture
def there(address, tmp_path, monkeypatch) -> Settings:
    """Settings that train at the cluster."""
    for name, value in TOKEN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return Settings(workspace=tmp_path / "workspace", threads=2, ray=address)


def trained(settings: Settings, dataset: Dataset, run: Any, text: str = makers.QUICK) -> Model:
    path = makers.quick_pipeline(settings.root.parent, settings, text)
    config = resolve(read_pipeline(path), settings).slice("train")
    services = {"store": open_store(settings), "run": run}
    if settings.job_address:
        return submitted(dataset, config, settings=settings, **services)
    return train(dataset, config, resources=resources_of(settings), **services)


@pytest.fixture
def dataset(there) -> Dataset:
    path = makers.quick_pipeline(there.root.parent, there)
    config = resolve(read_pipeline(path), there).slice("etl")
    raw, resources = source.raw_data(config.data, there), resources_of(there)
    return etl(raw, config, store=open_store(there), run=QuietRun(), resources=resources)


def test_a_job_makes_the_model_that_would_be_made_here_and_its_progress_is_heard(there, dataset):
    run = RecordedRun()
    model = trained(there, dataset, run)

    here = there.model_copy(update={"ray": "local"})
    assert model.ref == trained(here, dataset, QuietRun()).ref
    assert {name for name, *_ in run.calls} >= {"progress", "trial", "log_trials"}


def test_what_a_person_has_to_mend_is_told_as_if_it_had_been_trained_here(there, dataset):
    wrong = makers.QUICK.replace("trials: 3", "trials: 3, finetune: {trials: 1, inputs: [a@1]}")

    with pytest.raises(ConfigError, match="names nothing that can be tuned: a@1"):
        trained(there, dataset, QuietRun(), wrong)
