"""How many workers searches want, and how much memory for each."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.search_space import SearchSpace
from stages.train.distributed.memory import MB
from stages.train.heads import learning_curve
from stages.train.heads.learning_curve import MIN_SEEDS, SHARES, curve_of
from stages.train.heads.windows import Windows
from stages.train.search import trial_search
from stages.train.search.trial_search import search
from tests import makers
from tests.train import here
from tests.train.conftest import INPUT, blobs, hyperparameters

CONFIG = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    epochs=1,
    batch=3,
    folds=3,
    search_space=SearchSpace(head=("linear",), feature_maps=("last",)),
)


@pytest.fixture
def wanted(monkeypatch) -> list[dict[str, Any]]:
    """What is asked of pools of workers, which are in this process."""
    found: list[dict[str, Any]] = []

    def pool(make: Any, shared: Any, resources: Any, **options: Any) -> AbstractContextManager[Any]:
        found.append(options)
        return here.worker_pool(make, shared, resources, **options)

    for module in (trial_search, learning_curve):
        monkeypatch.setattr(module, "worker_pool", pool)
    return found


def test_a_search_wants_workers_for_two_batches_with_room_for_features(wanted, tmp_path):
    problem, store = blobs(), makers.store(tmp_path)
    size = problem.features[INPUT].nbytes

    for trials in (2, 2):  # the second finds all in the cache
        search(problem, CONFIG, trials, makers.resources(tmp_path), lambda _: None, store=store)

    [options] = wanted
    assert options["workers"] == 6
    assert options["shared_bytes"] == size
    assert options["worker_data"] == 128 * MB + 3 * size
    assert options["remedy"]


def test_a_worker_standardises_one_input_after_the_other():
    rows = [np.zeros((1, 10), np.float32)] * 60
    problem = blobs()
    features = {INPUT: problem.features[INPUT], "other": Windows.of(rows)}
    problem.features.update(features)

    found = trial_search._worker_data_bytes(problem)

    sizes = [60 * 8 * 4, 60 * 10 * 4]
    assert found == 128 * MB + sum(sizes) + 2 * max(sizes)


def test_a_learning_curve_wants_a_worker_for_each_training(wanted, tmp_path):
    problem = blobs(samples=24)
    groups = [str(row) for row in range(24)]
    settings = hyperparameters()

    found = curve_of(problem, groups, settings, 1, 1, makers.resources(tmp_path))

    [options] = wanted
    size = problem.features[INPUT].nbytes
    assert options["workers"] == len(SHARES) * found.right.shape[1] >= len(SHARES) * MIN_SEEDS
    assert options["shared_bytes"] == size
    assert options["worker_data"] == 128 * MB + 3 * size
