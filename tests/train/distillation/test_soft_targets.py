"""The loss of a student against its closed form (Hinton et al. 2015)."""

import numpy as np
import paddle
import pytest

from stages.train.distillation.soft_targets import SoftTargets, divergence


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


@pytest.fixture
def logits():
    rng = np.random.default_rng(0)
    return rng.normal(size=(5, 4)).astype(np.float32), rng.normal(size=(5, 4)).astype(np.float32)


def test_the_gradient_is_the_difference_of_the_scores_times_the_temperature(logits):
    teacher, student = logits
    targets = SoftTargets(teacher, temperature=3.0, weight=1.0)
    tensor = paddle.to_tensor(student, stop_gradient=False)
    probabilities = targets.probabilities(np.arange(5))

    targets.loss(tensor, paddle.to_tensor(probabilities), paddle.zeros([])).backward()

    # d/dz of T^2 KL(p || softmax(z / T)), in the mean over n samples: T (q - p) / n
    expected = 3.0 * (softmax(student / 3.0) - softmax(teacher / 3.0)) / 5
    np.testing.assert_allclose(tensor.grad.numpy(), expected, atol=1e-6)


def test_the_divergence_from_itself_is_zero_and_from_others_as_defined(logits):
    teacher, student = logits
    p, q = softmax(teacher), softmax(student)

    itself = float(divergence(paddle.to_tensor(p), paddle.to_tensor(teacher)))
    other = float(divergence(paddle.to_tensor(p), paddle.to_tensor(student)))

    assert itself == pytest.approx(0, abs=1e-6)
    assert other == pytest.approx(float((p * np.log(p / q)).sum(axis=1).mean()), abs=1e-5)


def test_a_score_of_zero_gives_a_finite_loss():
    sure = paddle.to_tensor(np.array([[1.0, 0.0]], np.float32))

    loss = float(divergence(sure, paddle.to_tensor(np.array([[2.0, 0.0]], np.float32))))

    assert loss == pytest.approx(np.log1p(np.exp(-2)), abs=1e-6)


def test_the_weight_divides_the_loss_between_teacher_and_labels(logits):
    teacher, student = logits
    student_tensor, hard = paddle.to_tensor(student), paddle.to_tensor(np.float32(2.0))

    def loss(weight):
        targets = SoftTargets(teacher, temperature=2.0, weight=weight)
        probabilities = paddle.to_tensor(targets.probabilities(np.arange(5)))
        return float(targets.loss(student_tensor, probabilities, hard))

    assert loss(0.0) == pytest.approx(2.0)
    assert loss(0.7) == pytest.approx(0.3 * 2.0 + 0.7 * loss(1.0), abs=1e-5)
