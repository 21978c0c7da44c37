"""What the tests of training share: small problems, and a store with an exported backbone."""

import numpy as np
import pytest

from stages.blobs.folder import FolderBlobs
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.store import Store
from stages.train.heads.backbone import backbone_file
from stages.train.heads.problem import Problem

INPUT = "efficientnet_lite0@64"


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """On the disk, since workers open it in processes of their own."""
    folder = tmp_path_factory.mktemp("store")
    return Store(FolderBlobs(folder / "store"), folder / "cache")


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
    """A linear head's, without `changes`; as in the search space, it alone has a penalty, and all
    else is trained in steps."""
    plain = {"input": INPUT, "head": "linear", "class_balance": "none"} | changes
    from_scratch = FAMILIES[plain["input"].partition("@")[0]].from_scratch
    if plain["head"] == "linear" and not from_scratch:
        return {"l2": 0.01} | plain
    return {"learning_rate": 0.01, "weight_decay": 0.01, "batch_size": 16} | plain


@pytest.fixture(scope="session")
def ray_running(tmp_path_factory):
    """Resources whose Ray is up for all tests of this session; searches inside use it."""
    from stages.train.distributed.cluster import cluster

    resources = Resources(cores=2, scratch=tmp_path_factory.mktemp("ray"))
    with cluster(resources, 0):
        yield resources
