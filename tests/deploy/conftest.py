"""One small model, really trained and measured, for all tests of deploying."""

import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pytest

from stages.artifacts import Dataset, Model, Package, Report, Step
from stages.config import DeployConfig, DeploySlice, EvaluateConfig, EvaluateSlice
from stages.deploy import deploy
from stages.etl.manifest import samples_of
from stages.evaluate import evaluate
from stages.evaluate.kinds import kind_of
from stages.models.export import child_environment
from stages.runtime import steps
from stages.runtime.sealed import SEAL, seal
from stages.store import Store
from stages.tracking import QuietRun
from tests import makers
from tests.deploy import tiny_detector, tiny_network
from tests.deploy.tiny_network import SIDE
from tests.deploy.tones import MEL, RATE, sounds_dataset

NAME = "shapes"
BEFORE = (
    Step(step="decode_picture"),
    Step(step="resize", args={"size": SIDE, "fit": "crop"}),
    Step(step="normalise", args={"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    Step(step="to_channels_first"),
)
SOFTMAX = (Step(step="softmax"),)
LISTENING = (
    Step(step="decode_sound", args={"rate": RATE}),
    Step(step="log_mel", args=MEL),
    Step(step="windows", args={"frames": 40, "hop_seconds": MEL["hop"] / RATE}),
)


class Deployable(NamedTuple):
    store: Store
    dataset: Dataset
    model: Model
    report: Report

    def deploy(self, target: str = "device_sdk", run: QuietRun | None = None, **config) -> Package:
        config_slice = DeploySlice(name=NAME, target=target, deploy=DeployConfig(**config))
        services = {
            "store": self.store,
            "run": run or QuietRun(),
            "resources": makers.resources(self.store.cache),
        }
        return deploy(self.model, self.report, self.dataset, config_slice, **services)


@pytest.fixture(scope="session")
def deployable(tmp_path_factory) -> Deployable:
    """A dataset of shapes, a network trained on them, and its report."""
    return shapes(tmp_path_factory.getbasetemp() / "shapes")


@pytest.fixture(scope="session")
def detecting(tmp_path_factory) -> Deployable:
    """Scenes with boxes, a detector trained on them, and its report."""
    return scenes(tmp_path_factory.getbasetemp() / "scenes")


@pytest.fixture(scope="session")
def hearing(tmp_path_factory) -> Deployable:
    """Sounds of different lengths, a network trained on their windows, and its report."""
    return tones(tmp_path_factory.getbasetemp() / "tones")


@cache
def shapes(folder: Path) -> Deployable:
    """Made once, for the tests of this folder and of others."""
    store = _store(folder)
    dataset = makers.dataset(store, each=100)
    return _evaluated(store, trained(dataset, store, folder, BEFORE, SOFTMAX), dataset)


@cache
def scenes(folder: Path) -> Deployable:
    store = _store(folder)
    dataset = makers.boxes_dataset(store, count=200)
    before = (Step(step="decode_picture"), Step(step="resize", args={"size": 96}), *BEFORE[2:])
    after = (
        Step(step="decode_boxes", args={"size": 96, "strides": list(tiny_detector.STRIDES)}),
        Step(step="suppress", args={"overlap": 0.5, "least": 0.02, "most": 100}),
        Step(step="to_pixels"),
    )
    return _evaluated(store, trained(dataset, store, folder, before, after, tiny_detector), dataset)


@cache
def tones(folder: Path) -> Deployable:
    store = _store(folder)
    dataset = sounds_dataset(store)
    after = (Step(step="mean_of_windows"), *SOFTMAX)
    return _evaluated(store, trained(dataset, store, folder, LISTENING, after), dataset)


def _store(folder: Path) -> Store:
    folder.mkdir(exist_ok=True)
    return makers.store(folder)


def _evaluated(store: Store, model: Model, dataset: Dataset) -> Deployable:
    services = {"store": store, "run": QuietRun(), "resources": makers.resources(store.cache)}
    report = evaluate(model, dataset, EvaluateSlice(evaluate=EvaluateConfig()), **services)
    return Deployable(store, dataset, model, report)


@pytest.fixture(scope="session")
def package(deployable) -> Package:
    """The device SDK of the small model."""
    return deployable.deploy()


def sealed_again(folder: Path) -> None:
    """Seal the changed files of `folder`, as somebody might who wants to break a reader."""
    names = [path for path in folder.rglob("*") if path.is_file() and path.name != SEAL]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in names}
    (folder / SEAL).write_bytes(seal(files))


def trained(
    dataset: Dataset,
    store: Store,
    folder: Path,
    before: Sequence[Step],
    after: Sequence[Step],
    program: ModuleType = tiny_network,
) -> Model:
    """The model that `program` makes of the training split, window by window."""
    samples = samples_of(dataset, store, "train")
    spelled = [step.model_dump() for step in before]
    windows = [steps.prepared(spelled, store.get(sample.digest)).windows for sample in samples]
    true = kind_of(dataset.task).truth(samples, dataset.labels)
    each = [answer for answer, mine in zip(true, windows, strict=True) for _ in mine]
    np.save(folder / "windows.npy", np.concatenate(windows))
    (folder / "truth.json").write_text(json.dumps(each))
    command = [sys.executable, "-m", program.__name__, str(folder)]
    subprocess.run(command, check=True, env=child_environment(), capture_output=True)
    graph = ("graph.json", "graph.pdiparams")
    model = Model(
        task=dataset.task,
        labels=dataset.labels,
        family="tiny",
        input_shape=windows[0].shape[1:],
        before=tuple(before),
        after=tuple(after),
        hyperparameters={},
        selection={"rule": "there is only one"},
        files={name: store.add((folder / name).read_bytes()) for name in graph},
        parents=(dataset.ref,),
    )
    store.save(model)
    return model
