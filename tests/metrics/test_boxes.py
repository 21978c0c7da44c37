"""What is counted of boxes: as the COCO evaluation does it, and as can be worked out by hand."""

import numpy as np
import pytest

from stages.config.evaluate import GATED
from stages.metrics import wilson
from stages.metrics.boxes import (
    WRONG,
    ap50,
    average_precisions,
    box_thresholds,
    matches,
    measure_boxes,
    outcomes,
    overlaps,
    recommended_threshold,
    resampling,
)
from stages.metrics.boxes.average_precision import means
from stages.metrics.boxes.evaluator import coco_precisions
from stages.metrics.boxes.matching import area
from stages.metrics.intervals import Z, student
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


def test_average_precisions_are_joined_whatever_is_counted_at_once(monkeypatch):
    truth, answers = world(7, 40, 3)
    whole = measure_boxes(truth, answers, ("a", "b", "c"), 0.4)
    monkeypatch.setattr(resampling, "_BLOCK", 40 * 500)

    assert measure_boxes(truth, answers, ("a", "b", "c"), 0.4) == whole


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


def test_a_surer_box_takes_the_true_box_that_it_covers_best_and_the_last_of_equals():
    truth = [[[0, 0, 10, 10, 0], [0, 0, 10, 20, 0], [50, 0, 60, 10, 0], [50, 0, 60, 10, 0]]]
    answers = [
        [
            [0, 0, 10, 12, 0.9, 0],  # 10 of 12 of the first, 12 of 20 of the second
            [0, 0, 10, 10, 0.8, 0],  # the first is taken: half of the second
            [50, 0, 60, 10, 0.7, 0],
            [50, 0, 60, 10, 0.7, 0],
            [50, 0, 60, 10, 0.6, 0],  # both are taken
            [90, 0, 95, 10, 0.5, 0],
        ]
    ]

    found = matches(truth, answers, 1)

    assert found.found.tolist() == [0, 1, 3, 2, -1, -1]
    assert found.hit.sum(axis=1).tolist() == [7, 1 + 10 - 7, 10, 10, 0, 0]
    assert found.hit[1].tolist() == [True] + [False] * 6 + [True] * 3
    assert found.place.tolist() == [0, 1, 2, 3, 4, 5]


def test_boxes_are_matched_with_those_of_their_picture_and_label_alone():
    truth = [[[0, 0, 10, 10, 1]], [[0, 0, 10, 10, 0], [20, 0, 30, 10, 1]], []]
    answers = [
        [[0, 0, 10, 10, 0.3, 0], [0, 0, 10, 10, 0.2, 1]],
        [[0, 0, 10, 10, 0.9, 1], [20, 0, 30, 10, 0.4, 1]],
        [[20, 0, 30, 10, 0.8, 1]],
    ]

    found = matches(truth, answers, 2)

    assert found.score.tolist() == [0.9, 0.8, 0.4, 0.3, 0.2]
    assert found.image.tolist() == [1, 2, 1, 0, 0]
    assert found.label.tolist() == [1, 1, 1, 0, 1]
    assert found.place.tolist() == [0, 0, 1, 0, 0]
    assert found.found.tolist() == [-1, -1, 2, -1, 0]
    assert found.support.tolist() == [[0, 1], [1, 1], [0, 0]]


def test_more_boxes_than_are_compared_at_once_find_theirs():
    truth = [[[20.0 * k, 0, 20.0 * k + 10, 10, 0] for k in range(600)]]
    answers = [[[*row[:4], 1 - k / 1000, 0] for k, row in enumerate(truth[0])]]

    found = matches(truth, answers, 1)
    sorted_out = outcomes(matches(truth, [[[*row[:5], 1] for row in answers[0]]], 2), 0.5)

    assert found.found.tolist() == list(range(600))
    assert [outcome.true for outcome in sorted_out.predicted] == list(range(501))
    assert {outcome.sort for outcome in sorted_out.predicted} == {WRONG}


def test_an_area_is_never_negative():
    boxes = np.array([[0, 0, 4, 5], [4, 5, 0, 0], [3, 0, 1, 9], [2, 2, 2, 9]], float)

    assert area(boxes).tolist() == [20, 0, 0, 0]


def test_means_are_of_what_is_known():
    precisions = np.array([[[0.5, np.nan, 1.0], [np.nan] * 3], [[0.3, np.nan, 0.2], [np.nan] * 3]])

    assert means(precisions).tolist() == [pytest.approx(0.5), pytest.approx(np.nan, nan_ok=True)]


def test_boxes_of_labels_are_counted_in_closed_form():
    """Eight pictures alike, so that no resample differs: as many pictures and boxes tell it."""
    truth = [[[0, 0, 10, 10, 0], [20, 0, 30, 10, 0], [40, 0, 50, 10, 1]]] * 8
    answers = [[[0, 0, 10, 10, 0.9, 0], [20, 0, 30, 10, 0.8, 1], [40, 0, 50, 10, 0.7, 1]]] * 8

    measured = measure_boxes(truth, answers, LABELS, 0.5)

    scale = (Z / student(7)) ** 2
    cat, dog = measured.labels["cat"], measured.labels["dog"]
    for measure, value, boxes in [
        (cat["precision"], 1, 8),
        (cat["recall"], 0.5, 16),
        (dog["precision"], 0.5, 16),
        (dog["recall"], 1, 8),
        (measured.overall["micro_precision"], 2 / 3, 24),
        (measured.overall["micro_recall"], 2 / 3, 24),
        (measured.overall["macro_recall"], 0.75, 4 / (1 / 16 + 1 / 8)),
        (measured.overall["macro_precision"], 0.75, 4 / (1 / 16 + 1 / 8)),
        (cat["ap50"], 51 / 101, 16),
        (measured.overall["ap50"], (51 + 50.5) / 202, 4 / (1 / 16 + 1 / 8)),
    ]:
        knows = boxes * scale
        assert measure.value == pytest.approx(value)
        assert (measure.low, measure.high) == pytest.approx(wilson(value * knows, knows))
    low, high = (2 * j / (1 + j) for j in wilson(8 * scale, 16 * scale))
    assert cat["f1"].value == pytest.approx(2 / 3)
    assert (cat["f1"].low, cat["f1"].high) == pytest.approx((low, high))
    assert measured.overall["macro_f1"].value == pytest.approx(2 / 3)
    assert measured.overall["macro_f1"].n == 32
    assert measured.overall["micro_f1"].value == pytest.approx(2 / 3)
    assert cat["ap50"].n == 16
    assert measured.overall["ap50"].n == 8
