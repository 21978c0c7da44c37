"""The recommended threshold of boxes on few pictures, where the best one is known."""

import numpy as np
import pytest

from stages.metrics.boxes import (
    box_threshold_interval,
    box_thresholds,
    matches,
    recommended_threshold,
)

TRUE_BOX, ELSEWHERE = [10.0, 10.0, 40.0, 40.0], [300.0, 0.0, 340.0, 40.0]
THRESHOLDS = np.arange(1, 100) / 100
FOUND, ALARMS = 0.9, 3.0  # the share of true boxes that is predicted; false alarms in a picture
# F1 of endless pictures: the scores of right boxes reach t with probability 1 - t^3, those of
# false alarms with (1 - t)^4
RIGHT = FOUND * (1 - THRESHOLDS**3)
F1 = 2 * RIGHT / (RIGHT + ALARMS * (1 - THRESHOLDS) ** 4 + 1)


def drawn(pictures, seed):
    """Truth and answers of `pictures`, each with one true box."""
    rng = np.random.default_rng(seed)
    answers = []
    for _ in range(pictures):
        right = [[*TRUE_BOX, rng.random() ** (1 / 3), 0]] if rng.random() < FOUND else []
        false = 1 - rng.random(rng.poisson(ALARMS)) ** 0.25
        answers.append([*right, *([*ELSEWHERE, float(score), 0] for score in false)])
    return matches([[[*TRUE_BOX, 0]]] * pictures, answers, 1)


def single_best(found):
    """The threshold with the highest F1 on the pictures themselves, the lowest of equals."""
    reached = found.score[:, None] >= THRESHOLDS
    right = (reached & (found.found >= 0)[:, None]).sum(axis=0)
    f1 = 2 * right / (reached.sum(axis=0) + len(found.true))
    return THRESHOLDS[f1.argmax()]


def lost(threshold):
    """The F1 on endless pictures that `threshold` falls short of the best one."""
    return F1.max() - F1[round(threshold * 100) - 1]


def test_the_drawn_boxes_have_the_f1_that_is_computed():
    rows = box_thresholds(drawn(3_000, 1))

    np.testing.assert_allclose([row.f1.value for row in rows], F1, atol=0.02)


def test_the_choice_on_25_pictures_loses_less_than_the_single_best_threshold():
    chosen, single = [], []
    for seed in range(100):
        found = drawn(25, seed)
        chosen.append(lost(recommended_threshold(found, None)))
        single.append(lost(single_best(found)))

    assert np.mean(chosen) < 0.75 * np.mean(single)
    assert np.quantile(chosen, 0.9) < 0.8 * np.quantile(single, 0.9)
    assert np.mean(chosen) < 0.01


def test_between_scores_that_are_apart_the_middle_is_chosen():
    truth = [[[*TRUE_BOX, 0]]] * 30
    answers = [[[*TRUE_BOX, 0.81, 0], [*ELSEWHERE, 0.2, 0]]] * 30

    assert recommended_threshold(matches(truth, answers, 1), None) == pytest.approx(0.51, abs=0.01)


def test_the_choice_is_the_same_each_time_and_within_its_interval():
    for seed in range(10):
        found = drawn(12, seed)
        low, high = box_threshold_interval(found, None)

        assert recommended_threshold(found, None) == recommended_threshold(found, None)
        assert low <= recommended_threshold(found, None) <= high


def test_a_single_picture_has_a_threshold_too():
    found = matches([[[*TRUE_BOX, 0]]], [[[*TRUE_BOX, 0.9, 0], [*ELSEWHERE, 0.3, 0]]], 1)

    assert recommended_threshold(found, None) == pytest.approx(0.6, abs=0.01)
    assert box_threshold_interval(found, None) is None
