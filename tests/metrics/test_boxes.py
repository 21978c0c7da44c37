"""What is counted of boxes: as the COCO evaluation does it, and as can be worked out by hand."""

import numpy as np
import pytest

from stages.config.evaluate import GATED
from stages.metrics.boxes import (
    FALSE,
    MISPLACED,
    RIGHT,
    WRONG,
    ap50,
    average_precisions,
    box_agreement,
    box_curves,
    box_thresholds,
    confusion,
    matches,
    measure_boxes,
    outcomes,
    overlaps,
    paired_ap_drop,
    recall_pairs,
    recommended_threshold,
)
from stages.metrics.boxes.evaluator import coco_precisions
from stages.runtime.errors import DataError
from tests.metrics.worlds import world

LABELS = ("cat", "dog")
LEVELS = range(10)


@pytest.mark.parametrize(("pictures", "labels"), [(1, 1), (5, 2), (30, 3), (60, 10)])
def test_our_average_precision_is_the_evaluators(pictures, labels):
    truth, answers = world(pictures, pictures, labels)

    (ours,) = average_precisions(
        matches(truth, answers, labels), np.ones((1, pictures)), LEVELS
    ).transpose(1, 0, 2)

    np.testing.assert_allclose(ours, coco_precisions(truth, answers, labels), atol=1e-12)


def test_in_a_resample_a_picture_that_is_drawn_twice_counts_as_two():
    truth, answers = world(3, 25, 3)
    weights = np.random.default_rng(0).multinomial(25, np.full(25, 1 / 25), size=4)
    ours = average_precisions(matches(truth, answers, 3), weights.astype(float), LEVELS)

    for row, drawn in enumerate(weights):
        rows = np.repeat(np.arange(25), drawn)
        theirs = coco_precisions([truth[k] for k in rows], [answers[k] for k in rows], 3)
        np.testing.assert_allclose(ours[:, row], theirs, atol=1e-12)


def test_the_values_are_the_evaluators_own():
    truth, answers = world(7, 40, 3)
    theirs = coco_precisions(truth, answers, 3)

    measured = measure_boxes(truth, answers, ("a", "b", "c"), 0.4)

    assert measured.overall["ap50"].value == theirs[0].mean()
    assert measured.overall["ap50_95"].value == theirs.mean()
    assert [each["ap50"].value for each in measured.labels.values()] == theirs[0].tolist()
    assert ap50(truth, answers, 3) == pytest.approx(theirs[0].mean(), abs=1e-12)


def test_what_may_be_gated_is_measured():
    assert set(GATED["boxes"]) == set(measure_boxes(*world(1, 4, 2), LABELS, 0.4).overall)


def test_a_small_case_by_hand():
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0]], [[0, 0, 10, 10, 0]]]
    answers = [[[0, 0, 10, 10, 0.9, 0], [50, 50, 60, 60, 0.8, 0]], [[0, 0, 10, 9, 0.7, 0]]]

    overall = measure_boxes(truth, answers, LABELS, 0.5).overall

    # recall 1/3 at precision 1, recall 2/3 at precision 2/3, the last third is never reached
    assert overall["ap50"].value == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)
    assert overall["micro_precision"].value == pytest.approx(2 / 3)
    assert overall["micro_recall"].value == pytest.approx(2 / 3)
    assert overall["micro_f1"].value == pytest.approx(2 / 3)
    assert [overall[f"micro_{name}"].n for name in ("precision", "recall", "f1")] == [3, 3, 4]


def test_every_interval_holds_its_value():
    truth, answers = world(11, 12, 4)

    measured = measure_boxes(truth, answers, "abcd", 0.5)

    every = [*measured.overall.values()]
    every += [one for each in measured.labels.values() for one in each.values()]
    assert all(one.low <= one.value <= one.high for one in every)


def test_one_picture_tells_nothing_of_others():
    truth, answers = [[[0, 0, 9, 9, 0], [20, 0, 30, 10, 0]]], [[[0, 0, 9, 9, 0.9, 0]]]

    overall = measure_boxes(truth, answers, LABELS, 0.5).overall

    assert (overall["ap50"].low, overall["ap50"].high) == (0, 1)
    assert (overall["micro_recall"].value, overall["micro_recall"].low) == (0.5, 0)


def test_boxes_of_few_pictures_tell_less_than_those_of_many():
    row = [[20.0 * k, 0, 20.0 * k + 10, 10, 0] for k in range(24)]
    few, many = [row[:8]] * 3, [row[:1]] * 24
    recalls = []
    for truth in (few, many):
        answers = [[[*box[:4], 0.9, 0] for box in one] for one in truth]
        recalls.append(measure_boxes(truth, answers, LABELS, 0.5).overall["micro_recall"])

    assert [one.n for one in recalls] == [24, 24]
    assert recalls[0].low < recalls[1].low - 0.1


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

    said = outcomes(found, 0.3)

    assert [one.sort for one in said.given] == [RIGHT, FALSE, WRONG, MISPLACED, FALSE]
    assert said.given[1].touches == pytest.approx(9 / 11)
    assert said.given[3].overlap == pytest.approx(3 / 17)
    assert said.missed == [3]
    assert confusion(found, said) == [[1, 1, 1], [0, 0, 1], [2, 1, 0]]


def test_a_right_box_is_right_though_a_surer_one_has_another_label():
    truth = [[[0, 0, 10, 10, 0]]]
    answers = [[[0, 0, 10, 10, 0.9, 1], [0, 0, 10, 10, 0.8, 0]]]

    said = outcomes(matches(truth, answers, 2), 0.5)

    assert [one.sort for one in said.given] == [FALSE, RIGHT]


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

    assert recommended_threshold(found, None) == 0.41
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


@pytest.mark.parametrize(
    ("truth", "answers", "asked"),
    [
        ([[], []], [[], []], {"ap50": 0, "micro_recall": 0, "micro_precision": 0}),
        ([[], []], [[[0, 0, 5, 5, 0.9, 0]], []], {"ap50": 0, "macro_recall": 0, "micro_f1": 1}),
        ([[[0, 0, 5, 5, 0]], []], [[], []], {"ap50": 2, "micro_recall": 1, "micro_precision": 0}),
    ],
    ids=["nothing at all", "nothing to find", "nothing found"],
)
def test_where_nothing_is_counted_nothing_is_known(truth, answers, asked):
    found = matches(truth, answers, 2)

    overall = measure_boxes(truth, answers, LABELS, recommended_threshold(found, None)).overall

    assert {name: overall[name].n for name in asked} == asked
    assert all((one.value, one.low, one.high) == (0, 0, 1) for one in overall.values())
    assert len(box_thresholds(found)) == 99


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([[], [[0, 0, 5, 5, float("nan"), 0]]], "A box of sample 1 has an edge or a score"),
        ([[[0, 0, float("inf"), 5, 0.5, 0]], []], "A box of sample 0 has an edge or a score"),
        ([[[0, 0, 5, 5, 0.5, 7]], []], "A box of sample 0 has a label that is not among 2"),
    ],
)
def test_answers_that_cannot_be_measured_are_told(answers, told):
    with pytest.raises(DataError, match=told):
        matches([[], []], answers, 2)


def test_without_pictures_there_is_nothing_to_measure():
    with pytest.raises(DataError, match="no sample"):
        matches([], [], 2)


def test_five_thousand_boxes_in_a_picture_are_counted():
    corners = np.stack(np.meshgrid(np.arange(100), np.arange(50)), axis=-1).reshape(-1, 2) * 20.0
    boxes = np.concatenate([corners, corners + 16], axis=1)
    truth = [[[*row, 0] for row in boxes.tolist()]] * 2
    answers = [[[*row, 0.5, 0] for row in boxes[:4000].tolist()]] * 2

    overall = measure_boxes(truth, answers, ("a",), 0.3).overall

    assert overall["micro_recall"].value == 0.8
    assert overall["micro_precision"].value == 1
    assert overall["ap50"].value == pytest.approx(3 / 101)  # COCO looks at 100 boxes a picture


def test_the_evaluator_is_quiet(capfd):
    coco_precisions(*world(1, 3, 2), 2)

    assert capfd.readouterr() == ("", "")


def test_the_same_boxes_drop_by_nothing():
    found = matches(*world(19, 30, 2), 2)

    drop = paired_ap_drop(found, found)

    assert (drop.value, drop.low, drop.high) == (0, 0, 0)
    assert [pair[:2] for pair in recall_pairs(found, found, 0.3)] == [(0, 0), (0, 0)]
    assert box_agreement(found, found, 0.3).value == 1


def test_a_drop_is_told_with_the_boxes_that_were_lost():
    truth, answers = world(19, 60, 2)
    fewer = [[row for k, row in enumerate(one) if k % 4] for one in answers]
    before, after = matches(truth, answers, 2), matches(truth, fewer, 2)

    drop, pairs = paired_ap_drop(before, after), recall_pairs(before, after, 0.0)

    assert drop.value == pytest.approx(ap50(truth, answers, 2) - ap50(truth, fewer, 2))
    assert 0 < drop.low < drop.value < drop.high
    for label, pair in enumerate(pairs):
        old, new = (
            measure_boxes(truth, given, LABELS, 0.0).labels[LABELS[label]]["recall"].value
            for given in (answers, fewer)
        )
        assert (pair.lost - pair.won) / pair.n == pytest.approx(old - new)
    given = sum(map(len, answers)), sum(map(len, fewer))
    assert box_agreement(before, after, 0.0).value == pytest.approx(2 * given[1] / sum(given))


def test_overlaps_are_intersection_over_union():
    one = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], float)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], float)

    np.testing.assert_allclose(overlaps(one, others), [[1, 1 / 3, 0], [0, 0, 0]])
