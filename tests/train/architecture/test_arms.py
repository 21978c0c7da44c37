"""Arms of an architecture search: within the limits, at equal cost, decided by the seed."""

from collections import Counter

import pytest

from stages.config import TrainConfig
from stages.config.device import Device
from stages.models.genotype import parse
from stages.runtime.errors import ConfigError
from stages.train.architecture.arms import SEARCHED, ArchitectureSearch
from stages.train.architecture.counted_limits import SMALLEST, check_smallest, limits_of
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs
from stages.train.cost.architecture_cost import network_seconds
from stages.train.cost.budget import trials_within

SHAPE, LABELS = (3, 32, 32), 10


def config(controller: str = "hierarchical_ppo", seed: int = 0, **device) -> TrainConfig:
    return TrainConfig(
        families=("searched_image",),
        input_sizes=(32,),
        architecture="search",
        controller=controller,
        folds=1,
        seed=seed,
        device=Device(**(device or {"parameters": 30_000, "macs": 1_000_000})),
    )


def searched(train: TrainConfig, rounds: int = 5, batch: int = 8) -> list[dict]:
    search, found = ArchitectureSearch(train, limits_of(train, SHAPE, LABELS, 1)), []
    for _ in range(rounds):
        batch_of_sets = search.propose(batch)
        search.learn([(each, float(len(each["genotype"]))) for each in batch_of_sets])
        found += batch_of_sets
    return found


@pytest.mark.parametrize("controller", ["hierarchical_ppo", "evolution", "random_from_prior"])
def test_no_proposal_breaks_a_limit_and_none_is_searched_twice(controller: str):
    train = config(controller)
    limits = limits_of(train, SHAPE, LABELS, 1)

    found = searched(train)

    assert all(limits.allow(parse(each["genotype"])) for each in found)
    own = [each["genotype"] for each in found if each["arm"] == SEARCHED]
    assert len(own) == len(set(own)) > 5
    assert found == searched(train)
    assert found != searched(config(controller, seed=1))


def test_arms_take_equally_long():
    seconds = Counter()
    most = 0.0
    for each in searched(config(), rounds=10):
        taken = network_seconds(parse(each["genotype"]), SHAPE)
        seconds[each["arm"]] += taken
        most = max(most, taken)

    assert set(seconds) == {SEARCHED, *OPERATIONS}
    assert max(seconds.values()) - min(seconds.values()) <= most


def test_the_widest_hand_design_is_tried_first_and_trained_as_searched_networks_are():
    found = searched(config(parameters=30_000))
    limits = limits_of(config(parameters=30_000), SHAPE, LABELS, 1)

    for arm in OPERATIONS:
        first = next(each for each in found if each["arm"] == arm)
        own = next(each for each in found if each["arm"] == SEARCHED)
        widest = hand_designs(arm, limits)[0]
        assert first == {**own, "arm": arm, "genotype": widest.text}
        assert 20_000 < limits.counts(widest)[0] <= 30_000


def test_without_room_for_a_hand_design_all_trials_are_searched():
    parameters, _ = limits_of(config(), SHAPE, LABELS, 1).counts(SMALLEST)

    found = searched(config(parameters=parameters + 20), rounds=1, batch=1)

    assert [each["arm"] for each in found] == [SEARCHED]


def test_limits_that_nothing_keeps_are_refused_with_the_smallest_networks_figures():
    parameters, macs = limits_of(config(), SHAPE, LABELS, 1).counts(SMALLEST)
    check_smallest(config(parameters=parameters, macs=macs), lambda: LABELS)

    with pytest.raises(ConfigError, match=rf"smallest .* {parameters:,} parameters and {macs:,}"):
        check_smallest(config(parameters=parameters - 1), lambda: LABELS)
    with pytest.raises(ConfigError, match="smallest"):
        check_smallest(config(macs=macs - 1), lambda: LABELS)


def test_labels_are_counted_only_for_a_limit():
    check_smallest(config().model_copy(update={"device": Device()}), lambda: 1 / 0)
    check_smallest(TrainConfig(device=Device(parameters=1)), lambda: 1 / 0)


def test_smaller_networks_get_more_trials_of_a_budget():
    small, large = (trials_within(config(macs=macs), 1500, 0, 1.0) for macs in (300_000, 3_000_000))

    assert small > 1.5 * large > 0
