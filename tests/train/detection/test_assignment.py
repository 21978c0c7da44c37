"""Which points of a picture are assigned to which box."""

import numpy as np

from stages.models.detector_assignment import MOST, assign, overlap, points_of

SIZE = 64
POINTS = points_of(SIZE, (8, 16, 32))
COUNT = 8 * 8 + 4 * 4 + 2 * 2


def test_points_are_the_middles_of_cells_level_after_level_row_by_row():
    assert POINTS.places.shape == (COUNT, 2)
    np.testing.assert_array_equal(POINTS.places[:2], [[4, 4], [12, 4]])
    np.testing.assert_array_equal(POINTS.places[64:66], [[8, 8], [24, 8]])
    np.testing.assert_array_equal(POINTS.strides[[0, 64, 80]], [8, 16, 32])


def test_a_box_goes_to_points_within_it_that_predict_its_label_and_place_it_well():
    boxes = _boxes((10, 10, 40, 40))
    found = np.tile(boxes[0], (COUNT, 1))

    taken = assign(POINTS, _scores(), found, boxes, np.array([1]))

    places = POINTS.places[taken.points]
    assert 1 <= len(taken.points) <= MOST
    assert places.min() > 10
    assert places.max() < 40
    np.testing.assert_allclose(taken.worth, 1)


def test_the_surer_of_two_equal_places_is_worth_more():
    boxes = _boxes((0, 0, 64, 64))
    scores = _scores()
    scores[80, 1] = 0.9

    taken = assign(POINTS, scores, np.tile(boxes[0], (COUNT, 1)), boxes, np.array([1]))

    assert taken.points[taken.worth.argmax()] == 80
    assert taken.worth.max() == 1
    assert np.sort(taken.worth)[-2] < 0.9


def test_a_point_in_two_boxes_answers_for_that_which_it_places_better():
    boxes = _boxes((0, 0, 64, 64), (20, 20, 44, 44))
    found = np.tile(boxes[1], (COUNT, 1))

    taken = assign(POINTS, _scores(), found, boxes, np.array([0, 1]))

    inside = ((POINTS.places > 20) & (POINTS.places < 44)).all(axis=1)
    shared = inside[taken.points]
    assert shared.any()
    assert (taken.boxes[shared] == 1).all()


def test_a_box_that_lies_between_all_points_still_has_one():
    boxes = _boxes((5, 5, 7, 7))

    taken = assign(POINTS, _scores(), np.tile(boxes[0], (COUNT, 1)), boxes, np.array([0]))

    assert len(taken.points) >= 1


def test_a_picture_without_boxes_has_no_points_that_answer():
    taken = assign(POINTS, _scores(), np.zeros((COUNT, 4), np.float32), _boxes(), np.zeros(0, int))

    assert len(taken.points) == len(taken.boxes) == len(taken.worth) == 0


def test_five_thousand_boxes_are_assigned():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 54, (5000, 2))
    boxes = np.concatenate([low, low + rng.uniform(2, 10, (5000, 2))], axis=1).astype(np.float32)

    taken = assign(POINTS, _scores(), boxes[:COUNT], boxes, rng.integers(0, 3, 5000))

    assert len(np.unique(taken.points)) == len(taken.points) <= COUNT


def test_overlaps_are_those_counted_pixel_by_pixel():
    first, second = _boxes((0, 0, 4, 4), (2, 1, 5, 6)), _boxes((1, 1, 3, 5), (8, 8, 9, 9))

    found = overlap(first, second)

    cells = [[_cells(box) for box in boxes] for boxes in (first, second)]
    expected = [[len(a & b) / len(a | b) for b in cells[1]] for a in cells[0]]
    np.testing.assert_allclose(found, expected)


def _cells(box) -> set:
    left, top, right, bottom = map(int, box)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


def _boxes(*boxes) -> np.ndarray:
    return np.array(boxes, np.float32).reshape(-1, 4)


def _scores() -> np.ndarray:
    return np.full((COUNT, 3), 0.5, np.float32)
