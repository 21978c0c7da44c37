"""The few trials of fine-tuning are proposed in small batches, each knowing all before it."""

from collections.abc import Callable
from math import log10
from typing import Any

import pytest

from stages.config import TrainConfig
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.finetune.finetune_search import DEFAULTS, FinetuneRequest, halving_of
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
    """All trials, trained one after the other, each with its `score`."""
    train = TrainConfig(families=FAMILIES, seed=seed, searcher=searcher)
    problem = FinetuneProblem(blobs(), dict.fromkeys(INPUTS), {}, 0, 1, epochs=12)  # type: ignore[arg-type]
    halving = halving_of(FinetuneRequest(problem, train, trials, ()))
    while (budget := halving.next()) is not None:
        halving.report(budget, score(budget.hyperparameters), TrialResult({}, 1, False, [], b""))
    return halving.trials


def sets(*arguments: Any, **named: Any) -> list[dict[str, Any]]:
    return [trial.hyperparameters for trial in trials_of(*arguments, **named)]


@pytest.mark.parametrize("searcher", ["optuna", "evolution"])
@pytest.mark.parametrize("trials", [4, 6, 12])
def test_results_of_the_first_trials_decide_the_next(trials: int, searcher: str):
    first, second = (sets(score, trials, searcher=searcher) for score in (low, high))

    assert first[:3] == second[:3]
    assert not [pair for pair in zip(first[3:], second[3:], strict=True) if pair[0] == pair[1]]


@pytest.mark.parametrize("trials", [1, 3, 5, 12])
def test_equal_scores_give_equal_trials(trials: int):
    assert trials_of(low, trials) == trials_of(low, trials)
    assert len(sets(low, trials)) == trials


def test_the_plain_set_of_each_input_comes_first():
    first = sets(low, 12)[:2]

    assert [hyperparameters["input"] for hyperparameters in first] == list(INPUTS)
    assert all(
        hyperparameters["learning_rate"] == DEFAULTS["learning_rate"] for hyperparameters in first
    )


def test_one_of_each_batch_is_trained_to_the_end():
    reached = [trial.reached for trial in trials_of(low, 8)]

    assert [reached[start : start + 3].count(12) for start in (0, 3, 6)] == [1, 1, 1]


def test_what_is_learnt_is_better_than_chance_in_most_searches():
    """Two thirds of 40; equal seeds, equal outcome, every time."""

    def best(score: Score, seed: int, searcher: str) -> float:
        return max(trial.score for trial in trials_of(score, 12, seed, searcher))

    pairs = [(score, seed) for score in (low, high) for seed in range(20)]
    better = [best(*pair, "optuna") > best(*pair, "random") for pair in pairs]

    assert sum(better) >= 27
