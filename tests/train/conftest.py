"""What the tests of training share: small problems, and a store with an exported backbone."""

import numpy as np
import pytest

from stages.parts import FAMILIES
from stages.train.heads.backbone import backbone_file
from stages.train.heads.problem import Problem
from tests import makers

INPUT = "efficientnet_lite0@64"


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    return makers.store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def backbone(store):
    return backbone_file(FAMILIES["efficientnet_lite0"], store)


def blobs(samples: int = 60, classes: int = 3, folds: int = 3, width: int = 8) -> Problem:
    """Points around one centre for each label: a problem that a linear head solves."""
    rng = np.random.default_rng(0)
    labels = np.arange(samples) % classes
    centres = rng.normal(size=(classes, width)) * 3
    features = (centres[labels] + rng.normal(size=(samples, width)) + 5).astype(np.float32)
    fold_of_row = np.arange(samples) // classes % folds
    plain = np.ones(samples, bool)
    return Problem({INPUT: features}, labels, fold_of_row, plain, classes, folds)


def hyperparameters(**changes) -> dict:
    plain = {"input": INPUT, "head": "linear", "learning_rate": 0.01, "weight_decay": 0.01}
    return plain | {"batch_size": 16, "class_balance": "none"} | changes


@pytest.fixture(scope="session")
def ray_running(tmp_path_factory):
    """One Ray for all tests of this session; searches inside use it."""
    from stages.train.distributed.cluster import cluster

    settings = makers.settings(tmp_path_factory.mktemp("ray")).model_copy(update={"threads": 2})
    with cluster(settings, 0):
        yield settings
