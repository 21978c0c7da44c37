"""What every searcher promises: sets inside the space, the same for the same seed and the same
news."""

import pytest

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.train.space import Choice, dimensions, starts

SPACE = dimensions(TrainConfig(families=("efficientnet_lite0",), input_sizes=(64, 96)))
NAMES = list(SEARCHERS)


@pytest.mark.parametrize("name", NAMES)
def test_proposes_as_many_as_asked_all_inside_the_space(name: str):
    searcher = SEARCHERS[name](SPACE, seed=0)

    sets = searcher.propose(20)

    assert len(sets) == 20
    for hyperparameters in sets:
        assert set(hyperparameters) == {one.name for one in SPACE}
        for one in SPACE:
            value = hyperparameters[one.name]
            assert value in one.values if isinstance(one, Choice) else one.low <= value <= one.high


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_and_equal_news_give_equal_proposals(name: str):
    assert _searched(name, seed=0) == _searched(name, seed=0)
    assert _searched(name, seed=0) != _searched(name, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_learns_of_sets_that_it_did_not_propose(name: str):
    searcher = SEARCHERS[name](SPACE, seed=0)

    searcher.learn([(one, 0.5) for one in starts(SPACE)])

    assert len(searcher.propose(3)) == 3


def test_optuna_goes_where_good_trials_are():
    searcher = SEARCHERS["optuna"](SPACE, seed=0)
    for _ in range(6):
        sets = searcher.propose(8)
        searcher.learn([(one, -abs(one["learning_rate"] - 0.001) * 1000) for one in sets])

    later = searcher.propose(8)

    near = sum(5e-4 < one["learning_rate"] < 2e-3 for one in later)
    assert near >= 6


def _searched(name: str, seed: int) -> list[dict]:
    searcher = SEARCHERS[name](SPACE, seed=seed)
    sets = []
    for _ in range(3):
        batch = searcher.propose(6)
        searcher.learn([(one, one["learning_rate"]) for one in batch])
        sets += batch
    return sets
