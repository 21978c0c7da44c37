"""A search on Ray: every trial is trained, the best is found, failures are reported."""

import os

import pytest

from stages.config import TrainConfig
from stages.config.search_space import SearchSpace
from stages.runtime.errors import InfrastructureError
from stages.train.search.trial_search import score_of, search
from tests import makers
from tests.train.conftest import blobs

# a linear head ends after one epoch, so that rungs are of heads with a hidden layer
CONFIG = TrainConfig(
    families=("efficientnet_lite0",),
    input_sizes=(64,),
    epochs=15,
    batch=4,
    halving=2,
    folds=3,
    search_space=SearchSpace(head=("hidden",), feature_maps=("last",)),
)


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path / "own")


def test_it_trains_every_trial_and_the_best_of_them_longest(ray_running, store):
    heard = []

    trials = search(
        blobs(), CONFIG, 6, ray_running, lambda halving: heard.append(halving.finished), store=store
    )

    assert [trial.number for trial in trials] == list(range(6))
    assert all(trial.result for trial in trials)
    assert {trial.reached for trial in trials} == {7, 15}
    best = min(trials, key=lambda trial: trial.rank)
    assert best.result.measures["balanced_accuracy"] > 0.9
    assert heard == [False] * (len(heard) - 1) + [True]


def test_a_linear_head_is_trained_to_its_end_in_one_epoch(ray_running, store):
    space = SearchSpace(head=("linear",), feature_maps=("last",))
    linear = CONFIG.model_copy(update={"search_space": space})

    trials = search(blobs(), linear, 3, ray_running, lambda _: None, store=store)

    assert all(len(trial.result.curve) == 1 for trial in trials)
    assert max(trial.result.measures["balanced_accuracy"] for trial in trials) > 0.9


@pytest.mark.slow
def test_equal_searches_have_equal_trials(ray_running, store, tmp_path):
    first = search(blobs(), CONFIG, 5, ray_running, lambda _: None, store=store)
    elsewhere = makers.store(tmp_path / "other")  # nothing is cached there
    other = search(blobs(), CONFIG, 5, ray_running, lambda _: None, store=elsewhere)

    assert first == other


def test_a_score_is_always_the_better_the_higher():
    measures = {"accuracy": 0.9, "log_loss": 0.3}

    assert score_of(measures, "accuracy") == 0.9
    assert score_of(measures, "log_loss") == -0.3


@pytest.mark.slow
def test_a_trial_that_cannot_be_trained_is_reported_with_its_hyperparameters(ray_running, store):
    config = CONFIG.model_copy(update={"input_sizes": (96,)})  # of which blobs() has no features

    with pytest.raises(InfrastructureError, match=r"Trial \d with .*@96.* failed 3 times"):
        search(blobs(), config, 2, ray_running, lambda _: None, store=store)


@pytest.mark.slow
def test_an_error_while_reporting_is_not_lost(ray_running, store):
    def report(_) -> None:
        raise OSError("the tracker is gone")

    with pytest.raises(OSError, match="the tracker is gone"):
        search(blobs(), CONFIG, 2, ray_running, report, store=store)


def test_the_environment_is_as_it_was(ray_running, tmp_path):
    from stages.train.distributed.cluster import cluster

    before = dict(os.environ)

    with cluster(ray_running, 0) as folder:
        assert os.environ["OMP_NUM_THREADS"] == "1"

    assert dict(os.environ) == before
    assert not folder.exists()


def epochs_of(reports: list) -> set[tuple[int, int]]:
    """Trial and epoch of each report."""
    return {(number, epoch) for number, _, epoch, _, _ in reports}


def test_finished_budgets_are_not_trained_again(ray_running, store, tmp_path):
    first: list = []
    second: list = []

    class Killed(Exception):
        pass

    def killed(halving) -> None:
        if len([trial for trial in halving.trials if trial.ended]) >= 3:
            raise Killed

    with pytest.raises(Killed):
        search(blobs(), CONFIG, 6, ray_running, killed, lambda *row: first.append(row), store=store)
    again = search(
        *(blobs(), CONFIG, 6, ray_running, lambda _: None),
        lambda *row: second.append(row),
        store=store,
    )

    assert epochs_of(first)
    assert not epochs_of(first) & epochs_of(second)
    elsewhere = makers.store(tmp_path / "other")
    assert again == search(blobs(), CONFIG, 6, ray_running, lambda _: None, store=elsewhere)
