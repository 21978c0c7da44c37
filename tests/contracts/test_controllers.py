"""Every controller proposes within its space, is decided by its seed, and learns from scores."""

import numpy as np
import pytest

from stages.parts import CONTROLLERS
from stages.train.architecture.controllers import Prior
from stages.train.architecture.controllers.flat_ppo import ranks
from stages.train.architecture.controllers.hierarchical_ppo import CHILDREN
from stages.train.search.search_space import Categorical

NAMES = list(CONTROLLERS)
LEARNING = [name for name in NAMES if not name.startswith("random")]
POLICIES = ["hierarchical_ppo", "flat_ppo"]
SPACE = tuple(
    Categorical(f"{level}.{place}", tuple("abcd"[: 2 + place % 3]))
    for level in ("motif", "cell", "network")
    for place in range(4)
)
FLAT = tuple(Categorical(f"cell.{place}", tuple(range(5))) for place in range(6))


def score_of(chosen: dict) -> float:
    """The share of last choices."""
    return float(np.mean([chosen[each.name] == each.values[-1] for each in SPACE]))


def run(name: str, seed: int = 0, rounds: int = 12, batch: int = 6) -> list[dict]:
    """All sets that the controller proposes in a search for `score_of`."""
    controller, found = CONTROLLERS[name](SPACE, seed), []
    for _ in range(rounds):
        sets = controller.propose(batch)
        controller.reject(controller.propose(2))
        controller.learn([(each, score_of(each)) for each in sets])
        found += sets
    return found


@pytest.mark.parametrize("name", NAMES)
def test_proposals_are_sets_of_the_space(name: str):
    for chosen in run(name):
        assert list(chosen) == [dimension.name for dimension in SPACE]
        assert all(chosen[dimension.name] in dimension.values for dimension in SPACE)


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_decides_all_proposals(name: str):
    assert run(name, seed=3) == run(name, seed=3)
    assert run(name, seed=3) != run(name, seed=4)


@pytest.mark.parametrize("name", LEARNING)
def test_late_proposals_are_better_than_random_ones(name: str):
    rounds = 200 if name == "reinforce" else 40  # its rate is a tenth
    late = [score_of(each) for seed in range(3) for each in run(name, seed, rounds)[-60:]]
    random = [score_of(each) for seed in range(3) for each in run("random", seed, 40)[-60:]]

    assert np.mean(late) > np.mean(random) + 0.15


def test_networks_of_a_batch_share_libraries_of_motifs():
    sets = CONTROLLERS["hierarchical_ppo"](SPACE, 0).propose(2 * CHILDREN)
    motifs = [tuple(value for name, value in each.items() if "motif" in name) for each in sets]

    assert len(set(motifs[:CHILDREN])) == len(set(motifs[CHILDREN:])) == 1
    assert motifs[0] != motifs[-1]
    assert len({tuple(each.values()) for each in sets}) == 2 * CHILDREN


def test_a_motif_is_judged_by_all_networks_of_its_library():
    controller = CONTROLLERS["hierarchical_ppo"](SPACE, 0)
    sets = controller.propose(2 * CHILDREN)

    credits = controller._credits(list(zip(sets, [3.0, 2.0, 1.0, 0.0, 0.0, 0.0], strict=True)))

    motif, cell, network = credits.T
    assert np.ptp(motif[:CHILDREN]) == 0
    assert motif[0] > 0 > motif[-1]
    assert cell[0] > cell[1] > cell[2]
    np.testing.assert_array_equal(cell, network)


def test_a_space_of_one_level_is_searched_flat():
    flat, hierarchical = (CONTROLLERS[name](FLAT, 0) for name in ("flat_ppo", "hierarchical_ppo"))
    for _ in range(3):
        first, second = flat.propose(5), hierarchical.propose(5)

        assert first == second
        for controller in (flat, hierarchical):
            controller.learn([(each, float(sum(each.values()))) for each in first])


@pytest.mark.parametrize("name", POLICIES)
def test_what_breaks_a_limit_is_proposed_less(name: str):
    controller = CONTROLLERS[name](SPACE, 0)
    before = controller.policy.probabilities
    for _ in range(20):
        sets = controller.propose(12)
        bad = [each for each in sets if each["network.1"] == "a"]
        good = [each for each in sets if each["network.1"] != "a"]
        controller.reject(bad)
        controller.learn([(each, 1.0) for each in good] or [(sets[0], 0.0)])

    place = [each.name for each in SPACE].index("network.1")
    assert controller.policy.probabilities[place, 0] < before[place, 0] / 3


@pytest.mark.parametrize("name", [*POLICIES, "reinforce", "random_from_prior"])
def test_a_prior_moves_the_first_proposals(name: str):
    def mean(prior) -> float:
        return np.mean([score_of(each) for each in CONTROLLERS[name](SPACE, 0, prior).propose(200)])

    assert mean(Prior(score_of, 0.8)) > mean(Prior(score_of, 0.93)) + 0.02
    assert mean(Prior(score_of, 0.93)) > mean(None) + 0.05


def test_equal_scores_share_a_rank():
    assert ranks([1.0, 5.0, 3.0]).tolist() == [-1, 1, 0]
    assert ranks([2.0, 2.0, 7.0]).tolist() == [-0.5, -0.5, 1]
    assert ranks([4.0]).tolist() == [0]
