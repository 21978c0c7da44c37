"""The losses of detectors, against plain arithmetic."""

import numpy as np
import paddle
import pytest

from stages.models.detector_layers import BINS
from stages.models.detector_loss import (
    PointLoss,
    distribution_focal,
    generalised_overlap,
    quality_focal,
)
from stages.runtime.boxes import decode_boxes

SIZE, LABELS = 64, 3
BOX = np.array([[8, 12, 40, 44, 1]], np.float32)
NOTHING = np.zeros((0, 5), np.float32)


def test_generalised_overlap_is_overlap_less_the_empty_share_around_both():
    first = _tensor([[0, 0, 2, 2], [0, 0, 1, 1], [0, 0, 2, 2]])
    second = _tensor([[0, 0, 2, 2], [3, 0, 4, 1], [1, 1, 3, 3]])

    found = generalised_overlap(first, second).numpy()

    np.testing.assert_allclose(found, [1, 0 - 2 / 4, 1 / 7 - 2 / 9], atol=1e-5)


def test_quality_focal_is_cross_entropy_times_the_squared_error():
    logits, wanted = np.array([[0.3, -2.0]], np.float32), np.array([[0.8, 0.0]], np.float32)

    found = float(quality_focal(_tensor(logits), _tensor(wanted)))

    scores = 1 / (1 + np.exp(-logits))
    entropy = -(wanted * np.log(scores) + (1 - wanted) * np.log(1 - scores))
    assert found == pytest.approx(float((entropy * (wanted - scores) ** 2).sum()), rel=1e-5)


def test_the_two_bins_around_a_distance_share_it():
    logits = np.zeros((1, 4, BINS), np.float32)
    logits[:, :, 2], logits[:, :, 3] = 5, 5
    distances = np.full((1, 4), 2.5, np.float32)

    found = float(distribution_focal(_tensor(logits), _tensor(distances)))

    assert found == pytest.approx(np.log(2 + (BINS - 2) * np.exp(-5)), rel=1e-4)


def test_boxes_of_the_loss_are_those_of_the_device():
    loss = PointLoss(SIZE)
    rng = np.random.default_rng(0)
    sides = rng.standard_normal((1, len(loss.points.places), 4 * BINS)).astype(np.float32)
    logits = rng.standard_normal((1, len(loss.points.places), LABELS)).astype(np.float32)

    found = loss.boxes(_tensor(sides)).numpy()[0]

    decoded = decode_boxes((logits, sides), SIZE, [8, 16, 32], BINS)
    np.testing.assert_allclose(found, decoded.boxes * SIZE, atol=1e-3)


def test_a_right_answer_costs_less_than_another_label_or_another_place():
    loss = PointLoss(SIZE)

    right, label, place = (
        float(loss(_answer(loss, *label_and_shift), [BOX]))
        for label_and_shift in ((1, 0), (2, 0), (1, 12))
    )

    assert right < label
    assert right < place


def test_a_picture_without_boxes_lowers_all_scores():
    loss = PointLoss(SIZE)
    logits, sides = _answer(loss, 1, 0)
    logits.stop_gradient = False

    loss((logits, sides), [NOTHING]).backward()

    assert float(logits.grad.min()) >= 0
    assert float(logits.grad.max()) > 0


def test_what_is_found_of_one_picture_changes_nothing_for_the_next():
    loss = PointLoss(SIZE)
    logits, sides = _answer(loss, 1, 0)
    both = [paddle.concat([output, output]) for output in (logits, sides)]

    twice = float(loss(both, [BOX, BOX]))

    assert twice == pytest.approx(float(loss((logits, sides), [BOX])), rel=1e-4)


def _answer(loss: PointLoss, label: int, shift: float):
    """Every point near the box's middle predicts `label`, and a place `shift` pixels to the
    right."""
    places, strides = loss.points.places, loss.points.strides[:, None]
    edges = BOX[0, :4] + np.array([shift, 0, shift, 0], np.float32)
    away = np.concatenate([places - edges[:2], edges[2:] - places], axis=1) / strides
    near = (abs(places - [24, 28]) < 10).all(axis=1)
    logits = np.full((len(places), LABELS), -4, np.float32)
    logits[near, label] = 4
    steps = np.arange(BINS, dtype=np.float32)
    sides = -10 * abs(away.clip(0, BINS - 1)[:, :, None] - steps)
    return _tensor(logits[None]), _tensor(sides.reshape(1, len(places), -1))


def _tensor(values):
    return paddle.to_tensor(np.asarray(values, np.float32))
