"""Phase two's few trials are proposed in small batches, each knowing all before it."""

from collections.abc import Callable
from math import log10
from typing import Any

import pytest

from stages.config import TrainConfig
from stages.train.finetune.dimensions import BEGIN
from stages.train.finetune.finetune_problem import Question
from stages.train.finetune.request import Asked, halving_of
from stages.train.search.successive_halving import Trial, TrialResult
from tests.train.conftest import blobs

INPUTS = ("efficientnet_lite0@224", "efficientnet_lite1@256")
FAMILIES = ("efficientnet_lite0", "efficientnet_lite1")
Score = Callable[[dict[str, Any]], float]


def low(hyperparameters: dict[str, Any]) -> float:
    """Best for a low rate and the smaller input."""
    return -log10(hyperparameters["learning_rate"]) - (hyperparameters["input"] != INPUTS[0])


def high(hyperparameters: dict[str, Any]) -> float:
    return -low(hyperparameters)


def trials_of(score: Score, trials: int, seed: int = 0, searcher: str = "optuna") -> list[Trial]:
    """All trials, taught one after the other, each worth its `score`."""
    train = TrainConfig(families=FAMILIES, seed=seed, searcher=searcher)
    question = Question(blobs(), dict.fromkeys(INPUTS), {}, 0, 1, epochs=12)  # type: ignore[arg-type]
    halving = halving_of(Asked(question, train, trials, ()))
    while (leg := halving.next()) is not None:
        halving.report(leg, score(leg.hyperparameters), TrialResult({}, 1, False, [], b""))
    return halving.trials


def sets(*given: Any, **named: Any) -> list[dict[str, Any]]:
    return [one.hyperparameters for one in trials_of(*given, **named)]


@pytest.mark.parametrize("searcher", ["optuna", "evolution"])
@pytest.mark.parametrize("trials", [4, 6, 12])
def test_what_was_heard_of_the_first_trials_decides_the_next(trials: int, searcher: str):
    one, other = (sets(score, trials, searcher=searcher) for score in (low, high))

    assert one[:3] == other[:3]
    assert not [pair for pair in zip(one[3:], other[3:], strict=True) if pair[0] == pair[1]]


@pytest.mark.parametrize("trials", [1, 3, 5, 12])
def test_equal_scores_give_equal_trials(trials: int):
    assert trials_of(low, trials) == trials_of(low, trials)
    assert len(sets(low, trials)) == trials


def test_the_plain_set_of_each_input_comes_first():
    first = sets(low, 12)[:2]

    assert [one["input"] for one in first] == list(INPUTS)
    assert all(one["learning_rate"] == BEGIN["learning_rate"] for one in first)


def test_one_of_each_batch_is_taught_to_the_end():
    reached = [one.reached for one in trials_of(low, 8)]

    assert [reached[start : start + 3].count(12) for start in (0, 3, 6)] == [1, 1, 1]


def test_what_is_learnt_is_better_than_chance_in_most_searches():
    """Two thirds of 40; equal seeds, equal outcome, every time."""

    def best(score: Score, seed: int, searcher: str) -> float:
        return max(one.score for one in trials_of(score, 12, seed, searcher))

    asked = [(score, seed) for score in (low, high) for seed in range(20)]
    better = [best(*one, "optuna") > best(*one, "random") for one in asked]

    assert sum(better) >= 27
