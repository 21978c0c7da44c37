"""Arms of an architecture search: within the limits, at equal cost, decided by the seed."""

from collections import Counter
from itertools import product

import numpy as np
import pytest

from stages.config import TrainConfig
from stages.config.device import Device
from stages.config.search_space import ArchitectureSpace, SearchSpace
from stages.models.genotype import EVERY_OPERATION, parse
from stages.parts import CONTROLLERS
from stages.runtime.errors import ConfigError
from stages.train.architecture.arms import ArchitectureSearch, training_of
from stages.train.architecture.counted_limits import check_counts, limits_of
from stages.train.architecture.hand_designs import (
    OPERATIONS,
    WIDTHS,
    hand_designs,
    likeness,
    moderate_design,
)
from stages.train.architecture.space import architecture_space, genotype_of, smallest_networks
from stages.train.cost.architecture_cost import network_seconds
from stages.train.cost.budget import trials_within

SHAPE, LABELS = (3, 32, 32), 10


NARROW = {
    "stems": 8,
    "first_widths": 8,
    "second_widths": 12,
    "third_widths": 16,
    "repeats": 1,
    "downs": "max2",
    "residual": [False],
}
POINT = {**NARROW, "edges": "none"}  # a cell without edges is a skip: one network


def config(
    controller: str = "hierarchical_ppo", seed: int = 0, baselines=(), space=None, **device
) -> TrainConfig:
    return TrainConfig(
        families=("searched_image",),
        input_sizes=(32,),
        architecture="search",
        controller=controller,
        baselines=baselines,
        search_space=SearchSpace(architecture=ArchitectureSpace(**(space or {}))),
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


def smallest(space=None) -> tuple[int, int]:
    """Parameters and MACs of the smallest network of a space."""
    limits = limits_of(config(), SHAPE, LABELS, 1)
    return min(map(limits.counts, smallest_networks(ArchitectureSpace(**(space or {})))))


@pytest.mark.parametrize("controller", ["hierarchical_ppo", "evolution", "random_from_prior"])
def test_no_proposal_breaks_a_limit_and_none_is_trained_twice_in_the_same_way(controller: str):
    train = config(controller)
    limits = limits_of(train, SHAPE, LABELS, 1)

    found = searched(train)

    assert all(limits.allow(parse(each["genotype"])) for each in found)
    own = [str(each) for each in found if each["arm"] == controller]
    assert len(own) == len(set(own)) > 5
    assert found == searched(train)
    assert found != searched(config(controller, seed=1))


def test_arms_of_every_controller_take_equally_long():
    seconds = Counter()
    most = 0.0
    for each in searched(config(baselines=tuple(CONTROLLERS)), rounds=10):
        taken = network_seconds(parse(each["genotype"]), SHAPE, each["batch_size"])
        seconds[each["arm"]] += taken
        most = max(most, taken)

    assert set(seconds) == {*CONTROLLERS, *OPERATIONS}
    assert max(seconds.values()) - min(seconds.values()) <= most


def test_arms_that_start_alike_propose_different_networks():
    found = searched(config(baselines=("flat_ppo", "random_from_prior")))
    own = {
        arm: {each["genotype"] for each in found if each["arm"] == arm}
        for arm in ("hierarchical_ppo", "flat_ppo", "random_from_prior")
    }

    assert all(map(len, own.values()))
    assert not set.intersection(*own.values())


def test_by_default_baselines_search_too():
    train = TrainConfig(architecture="search")

    assert {"evolution", "local_search", "random", "random_from_prior"} == set(train.baselines)


def test_a_policy_learns_from_all_networks_that_it_proposed_together():
    train = config(baselines=("random",))
    search, learnt = ArchitectureSearch(train, limits_of(train, SHAPE, LABELS, 1)), []
    arm = search.arms["hierarchical_ppo"]
    arm.controller.learn = learnt.append

    for _ in range(30):
        trials = [(each, 0.5) for each in search.propose(3)]
        search.learn(trials)

    sizes = [len(trials) for trials in learnt]
    assert len(sizes) > 1
    assert all(size % arm.controller.batch == 0 for size in sizes)


def test_the_widest_hand_design_is_tried_first_and_trained_by_the_defaults():
    train = config(parameters=30_000)
    found, limits = searched(train), limits_of(train, SHAPE, LABELS, 1)

    for arm in OPERATIONS:
        first = next(each for each in found if each["arm"] == arm)
        widest = hand_designs(arm, limits)[0]
        assert first == {**training_of(train).defaults, "arm": arm, "genotype": widest.text}
        assert 20_000 < limits.counts(widest)[0] <= 30_000


def test_controllers_choose_how_a_network_is_trained():
    learning_rate = {"low": 1e-3, "high": 5e-3}
    space = SearchSpace(learning_rate=learning_rate, batch_size=[16, 32])
    found = searched(config().model_copy(update={"search_space": space}))
    ways = {
        (each["learning_rate"], each["batch_size"])
        for each in found
        if each["arm"] == "hierarchical_ppo"
    }

    assert ways == set(product((0.001, 0.003, 0.005), (16, 32)))


def test_controllers_start_near_the_hand_designs():
    def mean_likeness(arm: str) -> float:
        train = config(arm)
        searched = ArchitectureSearch(train, limits_of(train, SHAPE, LABELS, 1)).arms[arm]
        for _ in range(60):
            searched.next()
        return np.mean([likeness(each) for each in searched.choices.values()])

    assert mean_likeness("random_from_prior") > mean_likeness("random") + 2


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_hand_design_is_most_like_itself(name: str):
    values = {each.name: each.values[0] for each in architecture_space()}
    design = hand_designs(name, limits_of(config(), SHAPE, LABELS, 1))[0]
    own = {f"motif.1.{edge}": value for edge, value in enumerate(design.motifs[0])}
    own |= {f"cell.{edge}": value for edge, value in enumerate(design.cell)}
    own |= {f"network.repeats.{stage}": value for stage, value in enumerate(design.repeats)}
    own |= {"network.down": design.down, "network.residual": design.residual}
    own |= {"cell.merge": design.merge}
    most = likeness(values | own)

    assert most == len(own)
    assert all(likeness(values | own | {change: "no such value"}) == most - 1 for change in own)


def test_a_found_network_is_an_arm_if_it_keeps_the_limits():
    train = config(parameters=30_000)
    limits = limits_of(train, SHAPE, LABELS, 1)
    small, large = hand_designs("plain", limits)[0].text, EVERY_OPERATION.replace("24", "96")
    found = {"found@a": small, "found@b": large}

    arms = ArchitectureSearch(train.model_copy(update={"genotypes": found}), limits).arms

    assert "found@a" in arms
    assert "found@b" not in arms
    assert arms["found@a"].next()["genotype"] == small


def test_without_room_for_a_hand_design_all_trials_are_searched():
    found = searched(config("random", parameters=smallest()[0] + 200), rounds=1, batch=1)

    assert [each["arm"] for each in found] == ["random"]


@pytest.mark.parametrize("controller", ["evolution", "local_search"])
def test_a_space_of_one_network_trains_it_in_different_ways(controller: str):
    found = searched(config(controller, space=POINT), rounds=4)
    own = [each for each in found if each["arm"] == controller]

    assert len({each["genotype"] for each in own}) == 1
    assert len({str(each) for each in own}) == len(own) > 2


def test_limits_that_nothing_keeps_are_refused_with_the_smallest_networks_figures():
    parameters, macs = smallest()
    check_counts(config(parameters=parameters, macs=macs), lambda: LABELS)

    with pytest.raises(ConfigError, match=rf"smallest .* {parameters:,} parameters and {macs:,}"):
        check_counts(config(parameters=parameters - 1), lambda: LABELS)
    with pytest.raises(ConfigError, match="smallest"):
        check_counts(config(macs=macs - 1), lambda: LABELS)


@pytest.mark.parametrize(
    "space",
    [
        {"stems": 16, "edges": "motif"},
        {"operations": ["conv3", "pw"], "edges": "motif", "merges": "add"},
    ],
)
def test_the_smallest_network_is_that_of_the_space_that_is_allowed(space: dict):
    parameters, _ = smallest(space)
    limits = limits_of(config(), SHAPE, LABELS, 1)
    dimensions = architecture_space(ArchitectureSpace(**space))
    rng = np.random.default_rng(0)
    draws = [genotype_of({each.name: each.sample(rng) for each in dimensions}) for _ in range(100)]

    assert parameters <= min(limits.counts(each)[0] for each in draws)
    assert parameters > smallest()[0]
    with pytest.raises(ConfigError, match=f"{parameters:,} parameters"):
        check_counts(config(space=space, parameters=parameters - 1), lambda: LABELS)


def test_a_found_network_that_breaks_a_limit_is_refused_with_its_figures():
    train = config(parameters=3_000).model_copy(update={"genotypes": {"found@a": EVERY_OPERATION}})

    with pytest.raises(ConfigError, match=r"found@a breaks .* [\d,]+ parameters and [\d,]+ MACs"):
        check_counts(train, lambda: LABELS)


def test_labels_are_counted_only_for_a_limit():
    check_counts(config().model_copy(update={"device": Device()}), lambda: 1 / 0)
    check_counts(TrainConfig(device=Device(parameters=1)), lambda: 1 / 0)


def test_smaller_networks_get_more_trials_of_a_budget():
    small, large = (trials_within(config(macs=macs), 1500, 0, 1.0) for macs in (300_000, 3_000_000))

    assert small > 1.5 * large > 0


def test_a_moderate_design_is_no_wider_than_the_published_one_and_keeps_the_limits():
    free = limits_of(config(parameters=None), SHAPE, LABELS, 1)
    narrow = limits_of(config(parameters=2_000), SHAPE, LABELS, 1)
    nothing = limits_of(config(parameters=1), SHAPE, LABELS, 1)

    assert moderate_design("separable", free).widths == WIDTHS
    assert moderate_design("separable", narrow).widths < WIDTHS
    assert narrow.allow(moderate_design("separable", narrow))
    assert moderate_design("separable", nothing) is None
