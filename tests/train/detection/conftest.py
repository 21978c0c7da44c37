"""A small search over detectors: 40 scenes of shapes, 96 pixels."""

import pytest

from stages.config import TrainConfig
from stages.tracking import QuietRun
from stages.train.detection.preparation import prepare
from tests import makers

INPUT = "lite_detector@96"


def config(**changes) -> TrainConfig:
    plain = {"families": ("lite_detector",), "input_sizes": (96,), "epochs": 3, "trials": 1}
    return TrainConfig(**{**plain, "search_space": {"batch_size": (8,)}, **changes})


def hyperparameters(**changes) -> dict:
    plain = {"input": INPUT, "learning_rate": 2e-3, "weight_decay": 0.05, "batch_size": 8}
    plain["backbone_rate"] = 0.3
    return plain | changes


@pytest.fixture(scope="session")
def dataset(store):
    return makers.boxes_dataset(store)


@pytest.fixture(scope="session")
def problem(dataset, store, tmp_path_factory):
    resources = makers.resources(tmp_path_factory.mktemp("problem"))
    return prepare(dataset, config(), store=store, run=QuietRun(), resources=resources)
