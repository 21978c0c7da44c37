"""What every searcher promises: sets inside the space, the same for the same seed and the same
news, and that it gains by what it hears."""

from math import log10
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.train.search.search_space import (
    AllOf,
    AnyOf,
    Categorical,
    Condition,
    Dimension,
    Number,
    When,
    default_sets,
    dimensions,
)

FLAT: tuple[Dimension, ...] = (
    Categorical("input", ("small", "large")),
    Categorical("head", ("linear", "hidden")),
    Number("learning_rate", 3e-4, 1e-2, log=True),
    Number("weight_decay", 1e-3, 1.0, log=True),
    Categorical("batch_size", (16, 32, 64)),
)
# of heads on frozen backbones with and without inner maps, and of networks from scratch
HEADS = dimensions(
    TrainConfig(families=("efficientnet_lite0", "squeezenet", "small_image"), input_sizes=(64, 96))
)
MIXED = Condition("mixing", ("mixup", "cutmix"))
SOFTLY = Condition("strength", (0.4,))
LARGE = Condition("input", ("large",))
CONDITIONAL: tuple[Dimension, ...] = (
    Categorical("input", ("small", "large")),
    Categorical("mixing", ("none", "mixup", "cutmix")),
    Categorical("strength", (0.2, 0.4), when=MIXED),
    Number("share", 0.1, 0.9, log=False, when=SOFTLY),
    Number("learning_rate", 1e-4, 1e-1, log=True),
    Categorical("kernel", (3, 5), when=LARGE),
    Number("dropout", 0.0, 0.5, log=False, when=AnyOf((MIXED, LARGE))),
    Number("decay", 1e-3, 1.0, log=True, when=AllOf((SOFTLY, LARGE))),
)
SPACES = {"flat": FLAT, "conditional": CONDITIONAL, "heads": HEADS}
NAMES = list(SEARCHERS)
LEARNERS = [name for name in NAMES if name != "random"]


@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("name", NAMES)
def test_proposes_as_many_as_asked_all_inside_the_space(name: str, space: str):
    searcher = SEARCHERS[name](SPACES[space], seed=0)

    sets = searcher.propose(20)

    assert len(sets) == 20
    for hyperparameters in sets:
        _assert_inside(hyperparameters, SPACES[space])


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 9), rounds=st.integers(1, 6))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_whatever_was_heard_what_is_there_is_proposed_and_nothing_else(
    name: str, seed: int, size: int, rounds: int
):
    searcher = SEARCHERS[name](CONDITIONAL, seed=seed)

    for _ in range(rounds):
        sets = searcher.propose(size)
        searcher.learn([(values, _toy(values)) for values in sets])

        for hyperparameters in sets:
            _assert_inside(hyperparameters, CONDITIONAL)


@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_and_equal_news_give_equal_proposals(name: str, space: str):
    assert _searched(name, 0, SPACES[space]) == _searched(name, 0, SPACES[space])
    assert _searched(name, 0, SPACES[space]) != _searched(name, 1, SPACES[space])


@pytest.mark.parametrize("space", list(SPACES))
@pytest.mark.parametrize("name", NAMES)
def test_learns_of_sets_that_it_did_not_propose(name: str, space: str):
    searcher = SEARCHERS[name](SPACES[space], seed=0)

    searcher.learn([(values, 0.5) for values in default_sets(SPACES[space])])

    assert len(searcher.propose(3)) == 3


@pytest.mark.parametrize("name", LEARNERS)
def test_goes_where_good_trials_are(name: str):
    searcher = SEARCHERS[name](FLAT, seed=0)
    for _ in range(6):
        sets = searcher.propose(8)
        searcher.learn([(values, -abs(values["learning_rate"] - 0.001) * 1000) for values in sets])

    later = searcher.propose(8)

    near = sum(5e-4 < values["learning_rate"] < 2e-3 for values in later)
    assert near >= 6


@pytest.mark.parametrize("name", LEARNERS)
def test_finds_better_sets_than_chance_does_in_most_searches(name: str):
    """48 proposals in batches of 8, seeds 0 to 9: equal seeds, equal outcome, every time."""
    better = sum(_best(name, seed) > _best("random", seed) for seed in range(10))

    assert better >= 8


FEW: tuple[Dimension, ...] = (Categorical("input", ("small", "large")),)  # so that sets repeat


def _states(searcher: Any) -> list[str]:
    return [trial.state.name for trial in searcher.study.trials]


def test_equal_pending_sets_of_a_batch_all_get_their_scores():
    searcher = SEARCHERS["optuna"](FEW, seed=0)
    sets = searcher.propose(6)
    assert len({values["input"] for values in sets}) < len(sets), "two sets are equal"

    searcher.learn([(values, float(number)) for number, values in enumerate(sets)])

    assert _states(searcher) == ["COMPLETE"] * 6, "none is pending, and counts as bad, for ever"
    assert [trial.value for trial in searcher.study.trials] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_of_equal_sets_in_two_batches_those_of_the_second_stay_pending():
    searcher = SEARCHERS["optuna"](FEW, seed=0)
    first, second = searcher.propose(5), searcher.propose(5)
    assert any(values in first for values in second)

    searcher.learn([(values, 0.5) for values in first])
    assert _states(searcher) == ["COMPLETE"] * 5 + ["RUNNING"] * 5

    searcher.learn([(values, 0.5) for values in second])
    assert _states(searcher) == ["COMPLETE"] * 10


@pytest.mark.parametrize("name", NAMES)
def test_a_set_that_is_learnt_more_often_than_it_was_proposed_is_learnt_too(name: str):
    searcher = SEARCHERS[name](FEW, seed=0)
    (values,) = searcher.propose(1)

    searcher.learn([(values, 0.1), (values, 0.2), (dict(values), 0.3)])

    assert len(searcher.propose(3)) == 3
    if name == "optuna":
        assert _states(searcher) == ["COMPLETE"] * 3 + ["RUNNING"] * 3


def test_evolution_forgets_the_oldest_however_good_it_was():
    from stages.train.search.searchers.evolution import POPULATION

    searcher = SEARCHERS["evolution"](CONDITIONAL, seed=0)
    lucky = {"input": "small", "mixing": "none", "learning_rate": 1e-2}
    searcher.learn([(lucky, 9.0)])

    searcher.learn([(values, 0.0) for values in searcher.propose(POPULATION)])

    assert all(chosen != lucky for chosen, _ in searcher.population)


def test_evolution_changes_one_thing_of_a_parent_that_won():
    searcher = SEARCHERS["evolution"](FLAT, seed=0)
    first = searcher.propose(24)
    searcher.learn([(values, 0.0) for values in first])

    for child in searcher.propose(10):
        changed = [
            sum(child[dimension.name] != parent[dimension.name] for dimension in FLAT)
            for parent in searcher.proposed[:24]
        ]
        assert min(changed) == 1


def _assert_inside(hyperparameters: dict[str, Any], space: tuple[Dimension, ...]) -> None:
    """Exactly the dimensions that are there, worked out here by hand, each with a value it has."""
    there = {dimension.name for dimension in space if dimension.when is None}
    for dimension in space:
        if dimension.when and _is_met(dimension.when, there, hyperparameters):
            there.add(dimension.name)
    assert set(hyperparameters) == there
    for dimension in space:
        if dimension.name in there:
            value = hyperparameters[dimension.name]
            assert (
                value in dimension.values
                if isinstance(dimension, Categorical)
                else dimension.low <= value <= dimension.high
            )


def _is_met(when: When, there: set[str], hyperparameters: dict[str, Any]) -> bool:
    """Whether `when` holds, given the dimensions that are `there` so far."""
    if isinstance(when, Condition):
        return when.name in there and hyperparameters[when.name] in when.values
    met = [_is_met(condition, there, hyperparameters) for condition in when.conditions]
    return all(met) if isinstance(when, AllOf) else any(met)


def _toy(values: dict[str, Any]) -> float:
    """Best, at 0, for a large input, cutmix at 0.4 and 0.3, a rate of 1e-2 and a kernel of 5."""
    off = abs(log10(values["learning_rate"]) + 2) + abs(values.get("share", 1.0) - 0.3)
    off += 0.5 * (values["input"] != "large") + 0.5 * (values["mixing"] != "cutmix")
    return -off - 0.3 * (values.get("kernel") != 5)


def _best(name: str, seed: int) -> float:
    searcher, scores = SEARCHERS[name](CONDITIONAL, seed=seed), []
    for _ in range(6):
        sets = searcher.propose(8)
        scores += [_toy(values) for values in sets]
        searcher.learn([(values, _toy(values)) for values in sets])
    return max(scores)


def _searched(name: str, seed: int, space: tuple[Dimension, ...]) -> list[dict]:
    searcher = SEARCHERS[name](space, seed=seed)
    sets = []
    for _ in range(3):
        batch = searcher.propose(6)
        searcher.learn([(values, values.get("learning_rate", 0.1)) for values in batch])
        sets += batch
    return sets


def test_all_but_the_yardstick_begin_with_plain_sets():
    assert [name for name in NAMES if not SEARCHERS[name].tries_defaults_first] == ["random"]
