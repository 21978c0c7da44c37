"""One small model, really trained and measured, for all tests of deploying."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from stages.artifacts import Dataset, Model, Package, Report, Step
from stages.config import DeployConfig, DeploySlice, EvaluateConfig, EvaluateSlice
from stages.deploy import deploy
from stages.etl.manifest import samples_of
from stages.evaluate import evaluate
from stages.models.export import child_environment
from stages.runtime import steps
from stages.settings import Settings
from stages.store import Store
from stages.tracking import QuietRun
from tests import makers
from tests.deploy.tiny_network import SIDE

NAME = "shapes"
BEFORE = (
    Step(step="decode_picture"),
    Step(step="resize", args={"size": SIDE, "fit": "crop"}),
    Step(step="normalise", args={"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    Step(step="to_channels_first"),
)


class Made(NamedTuple):
    store: Store
    dataset: Dataset
    model: Model
    report: Report

    def deploy(self, target: str = "device_sdk", run: QuietRun | None = None, **config) -> Package:
        asked = DeploySlice(name=NAME, target=target, deploy=DeployConfig(**config))
        services = {"store": self.store, "run": run or QuietRun(), "settings": Settings(threads=1)}
        return deploy(self.model, self.report, self.dataset, asked, **services)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Made:
    """A dataset of shapes, a network trained on them, and its report."""
    return shapes(tmp_path_factory.getbasetemp() / "shapes")


@cache
def shapes(folder: Path) -> Made:
    """Made once, for the tests of this folder and of others."""
    folder.mkdir(exist_ok=True)
    store = makers.store(folder)
    dataset = makers.dataset(store, each=100)
    model = trained(dataset, store, folder)
    services = {"store": store, "run": QuietRun(), "settings": Settings(threads=1)}
    report = evaluate(model, dataset, EvaluateSlice(evaluate=EvaluateConfig()), **services)
    return Made(store, dataset, model, report)


@pytest.fixture(scope="session")
def package(made) -> Package:
    """The device SDK of the small model."""
    return made.deploy()


def trained(dataset: Dataset, store: Store, folder: Path) -> Model:
    samples = samples_of(dataset, store, "train")
    before = [step.model_dump() for step in BEFORE]
    np.save(folder / "pictures.npy", [steps.run(before, store.get(s.digest)) for s in samples])
    np.save(folder / "truth.npy", [dataset.labels.index(s.label) for s in samples])
    command = [sys.executable, "-m", "tests.deploy.tiny_network", str(folder)]
    subprocess.run(command, check=True, env=child_environment(), capture_output=True)
    graph = ("graph.json", "graph.pdiparams")
    model = Model(
        task=dataset.task,
        labels=dataset.labels,
        family="tiny",
        input_shape=(3, SIDE, SIDE),
        before=BEFORE,
        after=(Step(step="softmax"),),
        hyperparameters={},
        selection={"rule": "there is only one"},
        files={name: store.add((folder / name).read_bytes()) for name in graph},
        parents=(dataset.ref,),
    )
    store.save(model)
    return model
