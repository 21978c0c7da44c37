"""The optimizer of a vector: Paddle's AdamW in numpy, with clipping before it."""

import numpy as np
import pytest

from stages.train.distributed.flat_optimizer import MAX_GRADIENT_NORM, AdamW

RATE, STEPS = 1e-2, 12


def ours(values, gradients, lr_multiplier, decay):
    optimizer = AdamW.new(lr_multiplier, decay)
    for gradient in gradients:
        values = optimizer.step(values, gradient, RATE)
    return values


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_paddles_adamw(decay):
    import paddle

    rng = np.random.default_rng(0)
    start = rng.normal(size=20).astype(np.float32)
    gradients = rng.normal(size=(STEPS, 20)).astype(np.float32)
    tensor = paddle.create_parameter([20], "float32")
    tensor.set_value(start)
    optimizer = paddle.optimizer.AdamW(RATE, parameters=[tensor], weight_decay=decay)
    for gradient in gradients:
        (tensor * paddle.to_tensor(gradient)).sum().backward()
        optimizer.step()
        optimizer.clear_grad()

    found = ours(start, gradients, np.ones(20, np.float32), np.full(20, decay, np.float32))

    np.testing.assert_allclose(found, tensor.numpy(), rtol=1e-4, atol=1e-6)
    assert decay == 0 or not np.allclose(
        found, ours(start, gradients, np.ones(20, np.float32), np.zeros(20, np.float32))
    )


def test_a_first_step_goes_by_the_rate_against_the_sign_and_decay_pulls_to_zero():
    values = np.array([1.0, -2.0, 3.0], np.float32)
    gradient = np.array([0.5, -0.1, 2.0], np.float32)
    multiplier = np.array([1.0, 0.5, 1.0], np.float32)
    decay = np.array([0.0, 0.0, 0.1], np.float32)

    found = ours(values, [gradient], multiplier, decay)

    expected = values - RATE * multiplier * (np.sign(gradient) + decay * values)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_gradient_above_the_norm_is_scaled_down_to_it_and_one_below_is_not():
    values = np.ones(4, np.float32)
    small, large = np.full(4, 1.0, np.float32), np.full(4, 100.0, np.float32)
    clipped = large * np.float32(MAX_GRADIENT_NORM / np.linalg.norm(large))

    found = ours(values, [small, large], values, 0 * values)

    np.testing.assert_allclose(found, ours(values, [small, clipped], values, 0 * values), rtol=1e-6)
    optimizer = AdamW.new(values, 0 * values)
    optimizer.step(values, small, RATE)
    np.testing.assert_allclose(optimizer.first, 0.1 * small, rtol=1e-6)
