"""Thresholds on few samples: how uncertain the choice is, and a better one before the data."""

import json
from dataclasses import replace

import numpy as np
import pytest

from stages.config import EvaluateConfig
from stages.evaluate.formatting import percent
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels import Labels
from stages.evaluate.sure import Answered, sure_answers
from stages.metrics import proportion
from stages.metrics.boxes import (
    better_threshold,
    box_threshold_interval,
    matches,
    recommended_threshold,
)
from stages.metrics.thresholds import threshold_interval
from tests.evaluate.boxed import ELSEWHERE, TRUE_BOX, evaluated, page_of
from tests.evaluate.test_held_out import page_of as labels_page
from tests.evaluate.test_held_out import predicted
from tests.metrics.worlds import world


def raccoons(n, low, seed=0, alarms=0.15):
    """A box in each photo with a score from `low` to 0.95, and false alarms below `alarms`."""
    rng = np.random.default_rng(seed)
    truth = [[[*TRUE_BOX, 0]] for _ in range(n)]
    found = [
        [
            [*TRUE_BOX, round(float(rng.uniform(low, 0.95)), 3), 0],
            [*ELSEWHERE, round(float(rng.uniform(0.02, alarms)), 3), 0],
        ]
        for _ in range(n)
    ]
    return truth, found


def test_a_threshold_that_is_too_high_is_lowered_before_the_data_is_blamed():
    found = evaluated(*raccoons(120, 0.2), ["raccoon"], unseen=Unseen(*raccoons(25, 0.62, 1, 0.6)))

    assert found.threshold > 0.5
    assert found.advice[0].startswith("Use a threshold of about 0.")
    assert f"--threshold {found.better.threshold:.2f}" in found.advice[0]
    assert "was chosen on 25 photos" in found.advice[0]
    assert found.better.threshold < 0.3
    assert found.better.there.recall.value > 0.9
    assert not any("weakest label" in line for line in found.advice)
    record = json.loads(found.record())
    assert record["better_threshold"]["threshold"] == found.better.threshold


def test_a_threshold_that_is_as_good_as_another_is_left_alone():
    for seed in range(3):
        found = evaluated(
            *world(seed, 40, 2, finds=0.8), unseen=Unseen(*world(100 + seed, 40, 2, finds=0.8))
        )

        assert found.better is None or found.better.gain.low > 0.0
        assert found.better is None or found.better.gain.value >= 0.02


def test_a_precision_that_was_asked_for_is_not_argued_with():
    found = evaluated(
        *raccoons(120, 0.2), ["raccoon"], unseen=Unseen(*raccoons(25, 0.62, 1, 0.6)), precision=0.99
    )

    assert found.better is None


@pytest.mark.parametrize("low", [0.01, 0.004])
def test_a_threshold_of_nothing_is_never_advised(low):
    truth, answers = raccoons(60, 0.2)
    answers = [[[*TRUE_BOX, low if row % 2 else 0.9, 0]] for row in range(len(answers))]
    better = better_threshold(matches(truth, answers, 1), 0.62)

    assert better is None or better[0] >= 0.01


def test_few_photos_leave_a_choice_wide_and_many_narrow_it():
    def width(n):
        found = matches(*world(7, n, 2, finds=0.8), 2)
        low, high = box_threshold_interval(found, None)
        assert low <= recommended_threshold(found, None) <= high
        return high - low

    assert width(25) > width(800)


def test_an_uncertain_threshold_is_told_with_what_it_costs():
    few = evaluated(*world(1, 120, 2), unseen=Unseen(*world(5, 6, 2)))
    many = evaluated(*world(1, 120, 2), unseen=Unseen(*world(5, 300, 2)))
    low, high = few.within

    assert f"would have put it between {low:.2f} and {high:.2f}" in few.threshold_summary
    (line,) = (line for line in few.advice if "was chosen on 6 photos" in line)
    rows = [row.f1.value for row in few.thresholds if low <= row.threshold <= high]
    assert f"between {percent(min(rows))} and {percent(max(rows))}" in line
    assert not any("was chosen on" in line for line in many.advice)


def test_the_page_shows_the_chosen_point_and_the_band_of_the_choice():
    found = evaluated(*world(1, 60, 2), unseen=Unseen(*world(2, 25, 2)))
    page = page_of(found)

    assert f"all boxes from a score of {found.threshold:.2f} on" in page
    assert f"{found.within[0]:.2f} to {found.within[1]:.2f} (95 % of resamples)" in page
    assert found.within is not None
    assert "of resamples" not in page_of(evaluated(*world(1, 60, 2), threshold=0.3))


def test_the_score_of_sure_answers_has_a_band_too():
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.3, 1.0, 400)
    right = rng.random(400) < scores
    low, high = threshold_interval(scores, right, 0.9)

    rule = sure_answers(
        *[Answered(scores, right)] * 2, 0.9, None,
        lambda least: (proportion(1, 1), proportion(1, 2)), held_out=True, noun="photos",
    )  # fmt: skip

    assert low <= rule.least <= high
    assert rule.within == (low, high)
    assert threshold_interval(scores, np.zeros(400, bool), 0.9) is None


@pytest.mark.parametrize("right", [0.99, 0.4])
def test_a_score_of_nothing_is_never_recommended(right):
    found = Labels().evaluated(predicted(right, sure=0.6), EvaluateConfig(precision=0.3))
    record, page = json.loads(found.record()), labels_page(found)

    assert found.sure.least == 0.0
    assert record["threshold"]["recommended"] is None
    for text in (found.threshold_summary, found.sure.title, *found.advice):
        assert "0.00" not in text
    assert "sure from here" not in page


def test_where_no_threshold_is_enough_the_best_is_not_called_nothing():
    found = Labels().evaluated(predicted(0.6, sure=0.6), EvaluateConfig(precision=0.99))

    assert found.sure.missed
    assert "0.00" not in found.threshold_summary
    assert "of all answers" in found.threshold_summary


def test_the_page_of_labels_shows_the_point_of_sure_answers_and_the_band():
    rng = np.random.default_rng(5)
    scores = rng.uniform(0.4, 1.0, 240)
    truth = np.where(rng.random(240) < scores, 0, 1)
    case = predicted(1.0)
    answers = np.stack([scores, (1 - scores) * 0.6, (1 - scores) * 0.4], axis=1)
    unsure = replace(case, truth=truth.tolist(), answers=answers.round(6).tolist())

    found = Labels().evaluated(unsure, EvaluateConfig(precision=0.85))
    page = labels_page(found)

    low, high = found.sure.within
    assert low <= found.sure.least <= high
    assert f"answers with a score from {found.sure.least:.2f} on" in page
    assert f"could as well have given {low:.2f} to {high:.2f}" in page
