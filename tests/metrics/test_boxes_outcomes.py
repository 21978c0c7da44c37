"""What became of each box, at which threshold, and what was lost between two models."""

import numpy as np
import pytest

from stages.metrics.boxes import (
    FALSE,
    MISPLACED,
    RIGHT,
    WRONG,
    ap50,
    box_agreement,
    box_curves,
    box_thresholds,
    confusion,
    matches,
    measure_boxes,
    outcomes,
    paired_ap_drop,
    recall_pairs,
    recommended_threshold,
)
from stages.metrics.intervals import f1
from tests.metrics.worlds import world

LABELS = ("cat", "dog")
LEVELS = range(10)


def test_every_box_is_of_one_sort_and_every_thing_is_found_or_missed():
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0], [40, 0, 50, 10, 1], [60, 0, 70, 10, 0]]]
    answers = [
        [
            [0, 0, 10, 10, 0.9, 0],  # right
            [1, 0, 11, 10, 0.8, 0],  # again on the same thing
            [20, 0, 30, 10, 0.7, 1],  # the other label
            [47, 0, 57, 10, 0.6, 1],  # 3 of 17 in common
            [90, 90, 99, 99, 0.5, 0],  # nothing there
            [60, 0, 70, 10, 0.1, 0],  # right, but not sure enough
        ]
    ]
    found = matches(truth, answers, 2)

    sorted_out = outcomes(found, 0.3)

    assert [outcome.sort for outcome in sorted_out.predicted] == [
        RIGHT,
        FALSE,
        WRONG,
        MISPLACED,
        FALSE,
    ]
    assert sorted_out.predicted[1].touches == pytest.approx(9 / 11)
    assert sorted_out.predicted[3].overlap == pytest.approx(3 / 17)
    assert sorted_out.missed == [3]
    assert confusion(found, sorted_out) == [[1, 1, 1], [0, 0, 1], [2, 1, 0]]


def test_a_right_box_is_right_though_a_surer_one_has_another_label():
    truth = [[[0, 0, 10, 10, 0]]]
    answers = [[[0, 0, 10, 10, 0.9, 1], [0, 0, 10, 10, 0.8, 0]]]

    sorted_out = outcomes(matches(truth, answers, 2), 0.5)

    assert [outcome.sort for outcome in sorted_out.predicted] == [FALSE, RIGHT]


def test_the_confusion_adds_up():
    truth, answers = world(5, 40, 3)
    found = matches(truth, answers, 3)

    table = np.array(confusion(found, outcomes(found, 0.4)))

    assert table[:3].sum(axis=1).tolist() == found.support.sum(axis=0).tolist()
    assert table.sum() - table[:, 3].sum() == (found.score >= 0.4).sum()


def test_the_best_f1_is_recommended_unless_a_precision_is_asked_for():
    truth = [[[0, 0, 10, 10, 0]] for _ in range(20)]
    right = [[0, 0, 10, 10, 0.8, 0]]
    answers = [[*right, [50, 50, 60, 60, 0.4, 0]] if k < 2 else right for k in range(20)]
    answers += [[[50, 50, 60, 60, 0.2, 0]] * 9]
    found = matches([*truth, []], answers, 1)

    assert 0.41 < recommended_threshold(found, None) < 0.8
    assert recommended_threshold(found, 0.9) == 0.21
    assert recommended_threshold(found, 0.1) == 0.01


def test_the_table_of_thresholds_tells_what_is_measured_there():
    truth, answers = world(13, 30, 2)
    row = box_thresholds(matches(truth, answers, 2))[49]

    overall = measure_boxes(truth, answers, LABELS, 0.5).overall

    assert row.threshold == 0.5
    assert row.precision == overall["micro_precision"]
    assert row.recall == overall["micro_recall"]
    assert row.f1 == overall["micro_f1"]


def test_curves_end_where_all_boxes_are_given():
    truth, answers = world(17, 30, 2)
    found = matches(truth, answers, 2)
    measured = measure_boxes(truth, answers, LABELS, 0.0)

    curves = box_curves(found, np.array([0.5, 0.6]), LABELS)

    for label, curve in curves.items():
        assert curve.recall[-1] == pytest.approx(measured.labels[label]["recall"].value, abs=1e-4)
    assert [curve.average_precision for curve in curves.values()] == [0.5, 0.6]


def test_the_same_boxes_drop_by_nothing():
    found = matches(*world(19, 30, 2), 2)

    drop = paired_ap_drop(found, found)

    assert (drop.value, drop.low, drop.high) == (0, 0, 0)
    assert [pair[:2] for pair in recall_pairs(found, found, 0.3)] == [(0, 0), (0, 0)]
    assert box_agreement(found, found, 0.3).value == 1


def test_a_drop_is_told_with_the_boxes_that_were_lost():
    truth, answers = world(19, 60, 2)
    fewer = [[row for k, row in enumerate(boxes) if k % 4] for boxes in answers]
    before, after = matches(truth, answers, 2), matches(truth, fewer, 2)

    drop, pairs = paired_ap_drop(before, after), recall_pairs(before, after, 0.0)

    assert drop.value == pytest.approx(ap50(truth, answers, 2) - ap50(truth, fewer, 2))
    assert 0 < drop.low < drop.value < drop.high
    assert drop == paired_ap_drop(before, after, 0) != paired_ap_drop(before, after, 1)
    for label, pair in enumerate(pairs):
        old, new = (
            measure_boxes(truth, predicted, LABELS, 0.0).labels[LABELS[label]]["recall"].value
            for predicted in (answers, fewer)
        )
        assert (pair.lost - pair.won) / pair.n == pytest.approx(old - new)
    counts = sum(map(len, answers)), sum(map(len, fewer))
    assert box_agreement(before, after, 0.0).value == pytest.approx(2 * counts[1] / sum(counts))


def test_what_counts_as_near_and_as_the_same_place():
    truth = [[[0, 0, 10, 10, 0]]]

    def sort_of(shift: float, label: int) -> str:
        answers = [[[shift, 0, shift + 10, 10, 0.9, label]]]
        (outcome,) = outcomes(matches(truth, answers, 2), 0.9).predicted
        return outcome.sort

    assert sort_of(10 / 3 - 0.01, 0) == RIGHT  # at a third of its width half is in common
    assert sort_of(10 / 3 + 0.01, 0) == MISPLACED
    assert sort_of(10 / 3 - 0.01, 1) == WRONG
    assert sort_of(10 / 3 + 0.01, 1) == FALSE
    assert sort_of(90 / 11 - 0.01, 0) == MISPLACED  # a tenth in common
    assert sort_of(90 / 11 + 0.01, 0) == FALSE


def test_a_wrong_label_is_sorted_before_what_is_badly_placed():
    truth = [[[0, 0, 10, 10, 0], [30, 0, 40, 10, 0]]]
    answers = [[[6, 0, 16, 10, 0.9, 0], [0, 0, 10, 10, 0.8, 1]]]

    sorted_out = outcomes(matches(truth, answers, 2), 0.5)

    assert [outcome.sort for outcome in sorted_out.predicted] == [FALSE, WRONG]
    assert [outcome.true for outcome in sorted_out.predicted] == [-1, 0]
    assert sorted_out.predicted[0].overlap == 0
    assert sorted_out.predicted[0].touches == pytest.approx(4 / 16)
    assert sorted_out.missed == [1]


def test_a_box_is_held_against_the_true_box_that_it_overlaps_most():
    truth = [[[0, 0, 10, 10, 1], [12, 0, 22, 10, 1], [8, 0, 18, 10, 0]]]
    answers = [[[7, 0, 17, 10, 0.9, 1]]]

    (outcome,) = outcomes(matches(truth, answers, 3), 0.5).predicted

    assert (outcome.sort, outcome.true) == (WRONG, 2)  # 9 of 11 in common with another label
    assert outcome.overlap == outcome.touches == pytest.approx(9 / 11)


def test_without_a_true_box_every_box_is_a_false_alarm():
    sorted_out = outcomes(matches([[], []], [[[0, 0, 5, 5, 0.9, 0]], []], 1), 0.5)

    assert sorted_out.predicted == [(0, FALSE, -1, 0.0, 0.0)]
    assert sorted_out.missed == []


def test_the_precision_is_asked_of_ten_boxes():
    for boxes, threshold in ((9, 0.25), (10, 0.51)):  # 0.25: the middle of the best F1
        truth = [[[0, 0, 10, 10, 0]]] * boxes + [[[30, 0, 40, 10, 0]]] * 60
        sure = [[[0, 0, 10, 10, 0.9, 0]]] * boxes
        found = matches(truth, sure + [[[30, 0, 40, 10, 0.5, 0], [70, 0, 80, 10, 0.5, 0]]] * 60, 1)

        assert recommended_threshold(found, 0.95) == threshold


def test_a_model_that_finds_nothing_has_a_threshold_of_a_half():
    truth = [[[0, 0, 10, 10, 0]]]

    assert recommended_threshold(matches(truth, [[]], 1), None) == 0.5
    assert recommended_threshold(matches(truth, [[[50, 0, 60, 10, 0.9, 0]]], 1), 0.9) == 0.5


def test_the_table_has_every_hundredth_and_counts_boxes_of_a_picture():
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0]], []]
    answers = [[[0, 0, 10, 10, 0.29, 0], [50, 0, 60, 10, 1.0, 0]], [[0, 0, 9, 9, 0.005, 0]]]

    rows = box_thresholds(matches(truth, answers, 1))

    assert [row.threshold for row in rows] == [k / 100 for k in range(1, 100)]
    assert [row.each for row in rows] == [1.0] * 29 + [0.5] * 70
    assert [row.recall.value for row in rows] == [0.5] * 29 + [0.0] * 70
    assert rows[28].precision.value == 0.5


def test_a_curve_of_boxes_by_hand():
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0], [40, 0, 50, 10, 0], [60, 0, 70, 10, 0]]]
    answers = [
        [
            [0, 0, 10, 10, 0.9, 0],
            [20, 0, 30, 10, 0.5, 0],
            [80, 0, 90, 10, 0.5, 0],
            [90, 0, 99, 10, 0.4, 0],
            [40, 0, 50, 10, 0.3, 0],
            [60, 0, 70, 10, 0.2, 1],
        ]
    ]

    drawn = box_curves(matches(truth, answers, 2), np.array([0.25, 0.5]), LABELS)

    assert list(drawn) == ["cat"]
    assert drawn["cat"].recall == [0.25, 0.5, 0.75]
    assert drawn["cat"].precision == [1.0, 0.6667, 0.6]
    assert drawn["cat"].average_precision == 0.25


def test_pairs_and_agreement_by_hand():
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0], [40, 0, 50, 10, 1]], []]
    first = [[[0, 0, 10, 10, 0.9, 0], [40, 0, 50, 10, 0.5, 1]], [[0, 0, 5, 5, 0.9, 1]]]
    second = [[[20, 0, 30, 10, 0.9, 0], [40, 0, 50, 10, 0.4, 1]], [[0, 0, 5, 5, 0.9, 1]]]
    before, after = matches(truth, first, 2), matches(truth, second, 2)

    assert recall_pairs(before, after, 0.5) == [(1, 1, 2), (1, 0, 1)]
    assert recall_pairs(before, after, 0.4) == [(1, 1, 2), (0, 0, 1)]
    assert box_agreement(before, after, 0.5) == f1(1, 2, 1)
    assert box_agreement(before, after, 0.4) == f1(2, 1, 1)


def test_where_nothing_is_given_or_wanted_agreement_and_drop_may_be_anything():
    empty = matches([[], []], [[], []], 1)

    agreement, drop = box_agreement(empty, empty, 0.5), paired_ap_drop(empty, empty)

    assert (agreement.value, agreement.low, agreement.high, agreement.n) == (1, 0, 1, 0)
    assert (drop.value, drop.low, drop.high, drop.n) == (0, -1, 1, 0)


def test_the_drop_on_one_picture_may_be_anything():
    truth = [[[0, 0, 10, 10, 0]]]
    before, after = matches(truth, [[[0, 0, 10, 10, 0.9, 0]]], 1), matches(truth, [[]], 1)

    drop = paired_ap_drop(before, after)

    assert (drop.value, drop.low, drop.high, drop.n) == (1, -1, 1, 1)


def test_a_drop_has_the_quantiles_of_its_resamples():
    """Half of 400 pictures lose their box: the drop varies like a share."""
    truth = [[[0, 0, 10, 10, 0]]] * 400
    answers = [[[0, 0, 10, 10, 0.9, 0]]] * 400
    before = matches(truth, answers, 1)
    after = matches(truth, answers[:200] + [[]] * 200, 1)

    drop = paired_ap_drop(before, after)

    assert drop.value == pytest.approx(0.5, abs=0.01)
    half = 1.96 * np.sqrt(0.25 / 400)
    assert (drop.low, drop.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.012)
    assert drop.n == 400
