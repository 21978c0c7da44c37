"""What is counted of boxes: as the COCO evaluation does it, and as can be worked out by hand."""

import numpy as np
import pytest

from stages.config.evaluate import GATED
from stages.metrics.boxes import (
    ap50,
    average_precisions,
    box_thresholds,
    matches,
    measure_boxes,
    overlaps,
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
    every += [measure for each in measured.labels.values() for measure in each.values()]
    assert all(measure.low <= measure.value <= measure.high for measure in every)


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
        answers = [[[*box[:4], 0.9, 0] for box in picture] for picture in truth]
        recalls.append(measure_boxes(truth, answers, LABELS, 0.5).overall["micro_recall"])

    assert [recall.n for recall in recalls] == [24, 24]
    assert recalls[0].low < recalls[1].low - 0.1


@pytest.mark.parametrize(
    ("truth", "answers", "counted"),
    [
        ([[], []], [[], []], {"ap50": 0, "micro_recall": 0, "micro_precision": 0}),
        ([[], []], [[[0, 0, 5, 5, 0.9, 0]], []], {"ap50": 0, "macro_recall": 0, "micro_f1": 1}),
        ([[[0, 0, 5, 5, 0]], []], [[], []], {"ap50": 2, "micro_recall": 1, "micro_precision": 0}),
    ],
    ids=["nothing at all", "nothing to find", "nothing found"],
)
def test_where_nothing_is_counted_nothing_is_known(truth, answers, counted):
    found = matches(truth, answers, 2)

    overall = measure_boxes(truth, answers, LABELS, recommended_threshold(found, None)).overall

    assert {name: overall[name].n for name in counted} == counted
    assert all(
        (measure.value, measure.low, measure.high) == (0, 0, 1) for measure in overall.values()
    )
    assert len(box_thresholds(found)) == 99


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([[], [[0, 0, 5, 5, float("nan"), 0]]], "A box of sample 1 has an edge or a score"),
        ([[[0, 0, float("inf"), 5, 0.5, 0]], []], "A box of sample 0 has an edge or a score"),
        ([[[0, 0, 5, 5, 0.5, 7]], []], "A box of sample 0 has a label that is not among 2"),
    ],
)
def test_answers_that_cannot_be_measured_are_told(answers, message):
    with pytest.raises(DataError, match=message):
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


def test_overlaps_are_intersection_over_union():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 0, 0]], float)
    other_boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]], float)

    np.testing.assert_allclose(overlaps(boxes, other_boxes), [[1, 1 / 3, 0], [0, 0, 0]])
