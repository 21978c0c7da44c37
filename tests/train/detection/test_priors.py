"""Detectors with prior boxes: the device's priors are Paddle's, and the loss takes the hard
ones."""

import numpy as np
import paddle
import pytest
from paddle.vision.ops import box_coder, prior_box

from stages.models.detector import PRIOR_SHARES, PRIOR_STRIDES
from stages.models.detector_priors_loss import HARD, PriorLoss, hardest, match
from stages.runtime.errors import InfrastructureError
from stages.runtime.priors import PRIOR_VARIANCES, decode_priors, decoded, encoded, prior_boxes

SIZE = 96
PRIORS = prior_boxes(SIZE, PRIOR_STRIDES, PRIOR_SHARES)


def test_priors_are_those_of_paddle():
    found = []
    for stride, (least, most) in zip(PRIOR_STRIDES, PRIOR_SHARES, strict=True):
        side = -(-SIZE // stride)
        boxes, _ = prior_box(
            paddle.zeros([1, 1, side, side]),
            paddle.zeros([1, 3, SIZE, SIZE]),
            min_sizes=[least * SIZE],
            max_sizes=[most * SIZE],
            aspect_ratios=[2.0],
            flip=True,
            steps=[float(stride)] * 2,
        )
        found.append(boxes.numpy().reshape(-1, 4))

    np.testing.assert_allclose(PRIORS, np.concatenate(found), atol=1e-6)


def test_offsets_are_those_of_paddle_and_lead_back_to_the_boxes():
    boxes = _random_boxes(len(PRIORS))

    offsets = encoded(boxes, PRIORS)

    coded = box_coder(
        paddle.to_tensor(PRIORS[:9]),
        list(PRIOR_VARIANCES),
        paddle.to_tensor(boxes[:9]),
        "encode_center_size",
    ).numpy()
    np.testing.assert_allclose(offsets[:9], coded[range(9), range(9)], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(decoded(offsets, PRIORS), boxes, atol=1e-5)


def test_a_candidate_has_the_scores_of_labels_without_the_background():
    logits = np.random.default_rng(0).standard_normal((1, len(PRIORS), 4)).astype(np.float32)
    offsets = np.zeros((1, len(PRIORS), 4), np.float32)

    found = decode_priors((logits, offsets), SIZE, PRIOR_STRIDES, PRIOR_SHARES)

    shares = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.scores, shares[:, 1:], rtol=1e-5)
    np.testing.assert_allclose(found.boxes, PRIORS, atol=1e-6)


def test_outputs_of_another_size_are_refused():
    outputs = np.zeros((1, 5, 4), np.float32), np.zeros((1, 5, 4), np.float32)

    with pytest.raises(InfrastructureError, match="export it again"):
        decode_priors(outputs, SIZE, PRIOR_STRIDES, PRIOR_SHARES)


def test_every_box_has_a_prior_that_answers_for_it():
    boxes = np.array([[0.1, 0.1, 0.13, 0.9], [0.5, 0.5, 0.9, 0.9]], np.float32)

    owner = match(PRIORS, boxes)

    assert set(owner.tolist()) == {-1, 0, 1}


def test_of_the_priors_without_a_box_the_hardest_are_trained_on():
    errors = np.array([[5.0, 0.1, 0.2, 3.0, 2.0, 1.0]], np.float32)
    labels = np.array([[2, 0, 0, 0, 0, 0]])

    counted = hardest(errors, labels)

    assert np.flatnonzero(counted[0]).tolist() == [3, 4, 5]
    assert counted.sum() == HARD


def test_a_right_answer_costs_less_than_a_wrong_one_and_nothing_has_a_cost_too():
    loss = PriorLoss(SIZE, PRIOR_STRIDES, PRIOR_SHARES)
    truth = np.array([[10, 10, 50, 50, 1]], np.float32)

    right, wrong = (float(loss(_answer(loss, truth, label), [truth])) for label in (1, 2))
    empty = float(loss(_answer(loss, truth, 1), [np.zeros((0, 5), np.float32)]))

    assert right < 0.1 < wrong
    assert empty > right


def _answer(loss: PriorLoss, truth, label: int):
    owner = match(loss.priors, truth[:, :4] / SIZE)
    logits = np.full((1, len(owner), 4), -5, np.float32)
    logits[0, :, 0] = 5
    logits[0, owner >= 0, 0], logits[0, owner >= 0, 1 + label] = -5, 5
    boxes = np.repeat(truth[:, :4] / np.float32(SIZE), len(owner), axis=0)
    offsets = encoded(boxes, loss.priors)[None]
    return paddle.to_tensor(logits), paddle.to_tensor(offsets)


def _random_boxes(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    low = rng.random((count, 2))
    return np.concatenate([low, low + 0.05 + rng.random((count, 2))], axis=1).astype(np.float32)
