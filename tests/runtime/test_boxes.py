"""From a detector's outputs to boxes, beside slow and plain references."""

import numpy as np
import pytest

from stages.runtime.boxes import BEST, Candidates, decode_boxes, suppress, to_pixels
from stages.runtime.errors import InfrastructureError


def overlapping(points=300, labels=3, seed=0):
    """Candidates that overlap much."""
    rng = np.random.default_rng(seed)
    corners = rng.random((points, 2)) * 0.7
    boxes = np.concatenate([corners, corners + 0.05 + rng.random((points, 2)) * 0.25], axis=1)
    return Candidates(boxes.astype(np.float32), rng.random((points, labels)).astype(np.float32))


def overlap_of(first, other):
    """Intersection over union, as the definition says."""
    width = min(first[2], other[2]) - max(first[0], other[0])
    height = min(first[3], other[3]) - max(first[1], other[1])
    common = max(width, 0) * max(height, 0)
    area = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, other))
    return common / (area - common)


def test_points_come_row_by_row_and_stride_after_stride():
    distances = np.full((1, 5, 4), 0.5, np.float32)

    found = decode_boxes((np.zeros((1, 5, 2), np.float32), distances), 32, [16, 32])

    halves = [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]]
    np.testing.assert_allclose(found.boxes, [*halves, [0, 0, 1, 1]])
    np.testing.assert_allclose(found.scores, 0.5)


def test_width_and_height_may_differ():
    distances = np.array([[[0.5, 0.25, 1, 2]] * 2], np.float32)

    found = decode_boxes((np.zeros((1, 2, 1)), distances), [16, 32], [16])

    np.testing.assert_allclose(found.boxes[1], [0.5, 0.25, 1.25, 2.5])


def test_bins_are_read_as_the_mean_of_their_distribution():
    sure = np.full((1, 1, 4, 8), -50, np.float32)
    sure[0, 0, [0, 1, 2, 3], [1, 2, 3, 4]] = 50
    sure[0, 0, 3, 5] = 50  # between 4 and 5

    found = decode_boxes((np.zeros((1, 1, 1)), sure.reshape(1, 1, 32)), 8, [8], bins=8)

    np.testing.assert_allclose(found.boxes[0], [0.5 - 1, 0.5 - 2, 0.5 + 3, 0.5 + 4.5], rtol=1e-6)


def test_outputs_of_another_network_are_told():
    with pytest.raises(InfrastructureError, match=r"\(7, 2\) and \(7, 4\) for 4 points"):
        decode_boxes((np.zeros((1, 7, 2)), np.zeros((1, 7, 4))), 16, [8])


def test_numbers_without_end_are_scores_from_nought_to_one():
    logits = np.array([[[np.inf, -np.inf]]], np.float32)

    found = decode_boxes((logits, np.zeros((1, 1, 4))), 8, [8])

    assert found.scores.tolist() == [[1.0, pytest.approx(0, abs=1e-20)]]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("overlap", [0.1, 0.5, 0.9])
def test_what_is_left_is_what_plain_suppression_leaves(overlap, seed):
    candidates = overlapping(60, 2, seed)

    found = suppress(candidates, overlap, least=0.3, most=1000)

    survivors = []
    for label in range(2):
        order = sorted(range(60), key=lambda point: -candidates.scores[point, label])
        selected = []
        for point in order:
            box = candidates.boxes[point]
            if candidates.scores[point, label] >= 0.3 and all(
                overlap_of(box, candidates.boxes[other]) <= overlap for other in selected
            ):
                selected.append(point)
        survivors += [(candidates.scores[point, label], label, point) for point in selected]
    expected = sorted(survivors, reverse=True)
    np.testing.assert_allclose(found[:, 4], [survivor[0] for survivor in expected])
    assert found[:, 5].tolist() == [survivor[1] for survivor in expected]
    np.testing.assert_allclose(
        found[:, :4], [candidates.boxes[survivor[2]] for survivor in expected]
    )


def test_it_leaves_what_paddles_own_operator_leaves():
    import paddle

    candidates = overlapping(points=BEST // 2, labels=2)

    found = suppress(candidates, 0.5, least=0.0, most=10_000)

    boxes = np.repeat(candidates.boxes, 2, axis=0)
    labels = np.tile([0, 1], len(candidates.boxes))
    selected = paddle.vision.ops.nms(
        paddle.to_tensor(boxes),
        0.5,
        paddle.to_tensor(candidates.scores.ravel()),
        paddle.to_tensor(labels),
        categories=[0, 1],
    ).numpy()
    assert len(found) == len(selected)
    np.testing.assert_allclose(found[:, 4], candidates.scores.ravel()[selected])
    np.testing.assert_allclose(found[:, :4], boxes[selected])


def test_equal_scores_keep_the_order_of_points_and_labels():
    boxes = np.array([[0, 0, 0.1, 0.1], [0.5, 0.5, 0.6, 0.6]] * 2, np.float32)
    candidates = Candidates(boxes, np.full((4, 2), 0.7, np.float32))

    found = suppress(candidates, 0.5, 0.1, 100)

    assert found[:, 5].tolist() == [0, 1, 0, 1]
    assert found[:, 0].tolist() == [0, 0, 0.5, 0.5]


def test_five_thousand_equal_boxes_become_one_and_strangers_at_most_so_many():
    same = Candidates(
        np.tile(np.array([0.1, 0.1, 0.9, 0.9], np.float32), (5000, 1)),
        np.linspace(0.1, 0.9, 5000, dtype=np.float32)[:, None],
    )
    corners = np.stack(np.divmod(np.arange(5000), 100), axis=1) / 100
    apart = Candidates(
        np.concatenate([corners, corners + 0.009], axis=1).astype(np.float32), same.scores
    )

    assert suppress(same, 0.5, 0.02, 100)[:, 4].tolist() == [pytest.approx(0.9)]
    assert suppress(apart, 0.5, 0.02, 100).shape == (100, 6)
    assert suppress(apart, 0.5, 0.02, 9999).shape == (BEST, 6)
    assert suppress(apart, 0.5, 0.02, 100)[:, 4].min() > 0.88


def test_nothing_is_sure_enough():
    assert suppress(overlapping(), 0.5, least=1.1, most=100).shape == (0, 6)


def test_what_is_no_number_is_no_box():
    boxes = np.array([[0, 0, np.nan, 1], [0, 0, 1, np.inf], [0, 0, 1, 1]], np.float32)
    scores = np.array([[0.9], [0.9], [np.nan]], np.float32)

    assert suppress(Candidates(boxes, scores), 0.5, 0.1, 100).shape == (0, 6)


def test_boxes_are_cut_at_the_pictures_edge_and_left_out_beyond_it():
    boxes = np.array(
        [[-0.5, 0.25, 0.5, 1.5, 0.9, 1], [1.1, 0, 1.2, 1, 0.8, 0], [0.5, 0.5, 0.5, 0.7, 0.7, 0]],
        np.float32,
    )

    found = to_pixels(boxes, {"width": 200, "height": 100})

    np.testing.assert_allclose(found, [[0, 25, 100, 100, 0.9, 1]], rtol=1e-6)
