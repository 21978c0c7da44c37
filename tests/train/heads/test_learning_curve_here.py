"""The learning curve of a Model, measured in this process by the workers that Ray runs."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.tracking import QuietRun
from stages.train.heads import learning_curve
from stages.train.heads.features import SampleView
from stages.train.heads.learning_curve import MAX_SEEDS, MIN_SEEDS, SHARES, curve_of
from stages.train.heads.learning_curve_json import SCRATCH, learning_curve_json
from stages.train.heads.prepared import Prepared
from stages.train.heads.problem import Problem
from stages.train.search.successive_halving import Trial, TrialResult
from tests import makers
from tests.train import here
from tests.train.conftest import INPUT, blobs, hyperparameters

NAMES = ("cat", "dog", "emu")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    monkeypatch.setattr(learning_curve, "worker_pool", here.worker_pool)


class Steps(QuietRun):
    def __init__(self):
        self.steps = []

    def progress(self, what, done, total):
        self.steps.append((what, done, total))


def noisy(samples: int = 48) -> Problem:
    problem = blobs(samples=samples, width=12)
    noise = np.random.default_rng(1).normal(size=problem.features[INPUT].shape) * 5
    problem.features[INPUT] += noise.astype(np.float32)
    return problem


def head(number: int, loss: float, name: str = INPUT) -> Trial:
    found = {"accuracy": 0.7, "balanced_accuracy": 0.7, "log_loss": loss}
    trial = Trial(number, {**hyperparameters(), "input": name}, 1, 0.7, True)
    trial.result = TrialResult(found, 1, True, [{}], b"")
    return trial


def content(problem: Problem, tmp_path, run=None, trials=None, family="efficientnet_lite0") -> dict:
    store = makers.store(tmp_path)
    dataset = makers.dataset(store)
    views = tuple(SampleView(f"d{row}") for row in range(len(problem.labels)))
    config = TrainConfig(families=(family,), input_sizes=(64,))
    trials = trials or [head(0, 0.5), head(1, 0.4)]
    found = learning_curve_json(
        *(dataset, Prepared(problem, views, 3, {}), trials, trials[0], config, NAMES),
        store=store,
        run=run or Steps(),
        resources=makers.resources(tmp_path),
    )
    return json.loads(found)


def test_the_best_head_is_trained_on_shares_of_the_data(tmp_path):
    run = Steps()

    found = content(noisy(), tmp_path, run)

    assert (found["input"], found["trial"]) == (INPUT, 1)
    assert [point["share"] for point in found["points"]] == [*SHARES]
    sizes = [point["samples"] for point in found["points"]]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 32  # two of three folds
    total = len(SHARES) * found["seeds"]
    assert run.steps == [("learning curve", done, total) for done in range(1, total + 1)]


def test_too_few_groups_or_a_network_from_scratch_have_none(tmp_path):
    few = content(blobs(samples=21), tmp_path)
    scratch = content(
        blobs(), tmp_path, trials=[head(0, 0.5, "small_image@64")], family="small_image"
    )

    assert "only 7 groups" in few["why_not"]
    assert scratch == {"why_not": SCRATCH}


def test_rows_of_negatives_are_not_counted(tmp_path):
    problem = noisy()

    found = curve_of(
        replace(problem, other=2),
        [str(row) for row in range(48)],
        hyperparameters(),
        1,
        1,
        makers.resources(tmp_path),
    )

    assert MIN_SEEDS <= found.right.shape[1] <= MAX_SEEDS
    assert found.right.shape[2] == len(found.labels) == len(found.groups) == 32
    assert set(found.labels.tolist()) == {0, 1}
    rows = np.concatenate([problem.validation_rows(fold) for fold in range(3)])
    assert found.groups.tolist() == [
        sorted(map(str, range(48))).index(str(row)) for row in rows if row % 3 != 2
    ]
