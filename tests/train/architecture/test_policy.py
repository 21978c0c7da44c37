"""The policy of controllers: probabilities, their gradients, and Adam; REINFORCE on top of it."""

import numpy as np
import pytest

from stages.parts import CONTROLLERS
from stages.train.architecture.controllers.flat_ppo import CLIP, ENTROPY, RATE, improve
from stages.train.architecture.controllers.local_search import LocalSearch
from stages.train.architecture.controllers.policy import Policy
from stages.train.search.search_space import Categorical

SPACE = (Categorical("edge", ("a", "b", "c")), Categorical("width", (8, 16)))
PAIR = (Categorical("width", (8, 16)),)


def policy(rate: float = 0.1) -> Policy:
    """A policy that prefers some values."""
    found = Policy(SPACE, rate)
    found.logits = np.array([[0.5, -0.3, 0.1], [1.0, 0.2, -np.inf]])
    return found


def slopes(value, of: Policy) -> np.ndarray:
    """The gradient of `value()` by the logits of `of`, by finite differences."""
    found, step = np.zeros(of.logits.shape), 1e-6
    for place in zip(*np.nonzero(of.is_value), strict=True):
        before = of.logits[place]
        of.logits[place] = before + step
        above = value()
        of.logits[place] = before - step
        found[place] = (above - value()) / (2 * step)
        of.logits[place] = before
    return found


def test_values_are_drawn_as_often_as_their_probabilities_say():
    codes = policy().sample(20_000, np.random.default_rng(0))

    for dimension, shares in enumerate(policy().probabilities):
        counts = np.bincount(codes[:, dimension], minlength=3) / 20_000
        np.testing.assert_allclose(counts, shares, atol=0.01)


def test_the_gradient_of_log_probabilities_is_their_slope():
    found, codes = policy(), np.array([[0, 1], [2, 0], [0, 0]])
    weights = np.array([[1.0, -2.0], [0.5, 0.3], [2.0, 1.0]])

    expected = slopes(lambda: (weights * found.log_probabilities(codes)).sum(), found)

    np.testing.assert_allclose(found.log_gradient(codes, weights), expected, atol=1e-7)


def test_the_gradient_of_the_entropy_is_its_slope():
    found = policy()

    def entropy() -> float:
        shares = found.probabilities[found.is_value]
        return float(-(shares * np.log(shares)).sum())

    np.testing.assert_allclose(found.entropy_gradient(), slopes(entropy, found), atol=1e-7)


def test_the_entropy_is_a_share_of_that_of_equal_probabilities():
    single = Categorical("down", ("max2",))

    assert Policy((*SPACE, single), 0.1).entropy_share == pytest.approx(1)
    assert Policy((single,), 0.1).entropy_share == 0
    half = Policy(SPACE, 0.1)
    half.logits[0, :2] = -50  # one value is certain in the first dimension
    assert half.entropy_share == pytest.approx(0.5)


def test_sets_and_codes_stand_for_each_other():
    codes = np.array([[2, 1], [0, 0]])

    sets = policy().sets_of(codes)

    assert sets == [{"edge": "c", "width": 16}, {"edge": "a", "width": 8}]
    np.testing.assert_array_equal(policy().codes_of(sets), codes)
    assert policy().codes_of([]).shape == (0, 2)


def test_it_ascends_by_the_steps_of_adam():
    found, start = policy(rate=0.03), policy().logits
    mean = square = np.zeros(start.shape)
    expected = start.copy()
    rng = np.random.default_rng(3)
    for step in range(1, 6):
        gradient = rng.normal(size=start.shape) * found.is_value
        gradient[0, 0] = 1e-8 * step  # next to nothing: it is not found large
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        root = np.sqrt(square / (1 - 0.999**step))
        expected = expected + 0.03 * mean / (1 - 0.9**step) / (root + 1e-8)

        found.ascend(gradient)

    np.testing.assert_allclose(found.logits, np.where(found.is_value, expected, -np.inf))


def test_reinforce_moves_towards_what_is_better_than_the_mean_before_by_its_rate():
    controller = CONTROLLERS["reinforce"](PAIR, 0)
    logits = []

    for width, score in ((8, 1.0), (16, 2.0), (8, 0.5)):
        controller.learn([({"width": width}, score)])
        logits.append(controller.policy.logits[0].copy())

    assert logits[0].tolist() == [0, 0], "a first score is its own baseline"
    # Adam's second step, the first of which had no gradient: 0.1 / 0.19 over the root of 1 / 1.999
    step = 0.01 * (0.1 / 0.19) / np.sqrt(1 / 1.999)
    np.testing.assert_allclose(logits[1], [-step, step], rtol=1e-6)
    assert controller.baseline == pytest.approx(0.9 * (0.9 * 1.0 + 0.1 * 2.0) + 0.1 * 0.5)
    assert logits[2][0] < logits[1][0], "a bad set is proposed less"


def test_passes_over_a_batch_stop_where_a_probability_has_changed_enough():
    found = Policy(PAIR, RATE)

    improve(found, np.array([[0], [1]]), np.array([[1.0], [-1.0]]), np.ones((1, 1)))

    # three steps of 0.1 each, as the ratio of the second is still below 1.2; then Adam's mean alone
    share = found.probabilities[0, 0]
    assert 1 + CLIP < share / 0.5 < 1 + 2 * CLIP
    assert 0.3 < found.logits[0, 0] <= 4 * RATE


def test_passes_keep_the_policy_open_by_its_entropy():
    found = policy(RATE)
    before = found.entropy_share

    improve(found, np.array([[0, 1]]), np.zeros((1, 1)), np.ones((2, 1)))

    assert ENTROPY > 0
    assert found.entropy_share > before


def test_local_search_tries_each_neighbour_of_the_best_and_then_begins_anew():
    search = LocalSearch(SPACE, 0)
    best = {"edge": "b", "width": 16}
    search.learn([({"edge": "a", "width": 8}, 0.1), (best, 0.7)])

    neighbours = search.propose(3)
    search.learn([(neighbours[0], 0.7)])  # equal: no reason to move

    expected = [{"edge": "a", "width": 16}, {"edge": "c", "width": 16}, {"edge": "b", "width": 8}]
    assert sorted(neighbours, key=str) == sorted(expected, key=str)
    assert search.best == (best, 0.7)
    search.propose(1)
    assert search.best is None
