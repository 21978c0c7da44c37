"""A search on Ray: every trial is taught, the best is found, failures are told."""

import os

import pytest

from stages.config import TrainConfig
from stages.runtime.errors import InfrastructureError
from stages.train.search.trial_search import score_of, search
from tests import makers
from tests.train.conftest import blobs

CONFIG = TrainConfig(
    families=("efficientnet_lite0",), input_sizes=(64,), epochs=15, batch=4, halving=2, folds=3
)


@pytest.fixture
def store(tmp_path):
    return makers.store(tmp_path / "own")


def test_it_teaches_every_trial_and_the_best_of_them_longest(ray_running, store):
    heard = []

    trials = search(
        blobs(), CONFIG, 6, ray_running, lambda halving: heard.append(halving.finished), store=store
    )

    assert [one.number for one in trials] == list(range(6))
    assert all(one.result for one in trials)
    assert {one.reached for one in trials} == {7, 15}
    best = min(trials, key=lambda one: one.rank)
    assert best.result.measures["balanced_accuracy"] > 0.9
    assert heard == [False] * (len(heard) - 1) + [True]


@pytest.mark.slow
def test_equal_searches_have_equal_trials(ray_running, store, tmp_path):
    one = search(blobs(), CONFIG, 5, ray_running, lambda _: None, store=store)
    elsewhere = makers.store(tmp_path / "other")  # nothing is cached there
    other = search(blobs(), CONFIG, 5, ray_running, lambda _: None, store=elsewhere)

    assert one == other


def test_a_score_is_always_the_better_the_higher():
    measures = {"accuracy": 0.9, "log_loss": 0.3}

    assert score_of(measures, "accuracy") == 0.9
    assert score_of(measures, "log_loss") == -0.3


@pytest.mark.slow
def test_a_trial_that_cannot_be_taught_is_told_with_its_hyperparameters(ray_running, store):
    config = CONFIG.model_copy(update={"input_sizes": (96,)})  # of which blobs() has no features

    with pytest.raises(InfrastructureError, match=r"Trial \d with .*@96.* failed 3 times"):
        search(blobs(), config, 2, ray_running, lambda _: None, store=store)


@pytest.mark.slow
def test_what_goes_wrong_while_telling_is_not_lost(ray_running, store):
    def tell(_) -> None:
        raise OSError("the tracker is gone")

    with pytest.raises(OSError, match="the tracker is gone"):
        search(blobs(), CONFIG, 2, ray_running, tell, store=store)


def test_the_environment_is_as_it_was(ray_running, tmp_path):
    from stages.train.distributed.cluster import cluster

    before = dict(os.environ)

    with cluster(ray_running, 0) as folder:
        assert os.environ["OMP_NUM_THREADS"] == "1"

    assert dict(os.environ) == before
    assert not folder.exists()


def told_of(word: list) -> set[tuple[int, int]]:
    """Trial and epoch of each word."""
    return {(number, epoch) for number, _, epoch, _, _ in word}


def test_what_a_search_had_finished_is_not_taught_again(ray_running, store, tmp_path):
    first: list = []
    second: list = []

    class Killed(Exception):
        pass

    def killed(halving) -> None:
        if len([one for one in halving.trials if one.ended]) >= 3:
            raise Killed

    with pytest.raises(Killed):
        search(blobs(), CONFIG, 6, ray_running, killed, lambda *row: first.append(row), store=store)
    again = search(
        *(blobs(), CONFIG, 6, ray_running, lambda _: None),
        lambda *row: second.append(row),
        store=store,
    )

    assert told_of(first)
    assert not told_of(first) & told_of(second)
    elsewhere = makers.store(tmp_path / "other")
    assert again == search(blobs(), CONFIG, 6, ray_running, lambda _: None, store=elsewhere)
