"""A depthwise convolution is the same, however it is computed."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from stages.models.depthwise import Depthwise

SHAPES = [  # channels, kernel, stride, padding before and after, side
    (4, 3, 1, 1, 1, 7),
    (4, 5, 1, 2, 2, 10),
    (3, 3, 2, 0, 1, 8),
    (3, 5, 2, 1, 2, 8),
    (2, 3, 2, 1, 1, 3),
    (2, 5, 2, 1, 2, 9),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_answers_and_learns_as_a_plain_convolution(shape):
    channels, kernel, stride, before, after, side = shape
    padding = [before, after, before, after]
    layer = Depthwise(channels, kernel, stride, padding)
    picture = _picture(2, channels, side)

    ours = _slopes(layer(picture), picture, layer.weight)

    plain = F.conv2d(picture, layer.weight, None, stride, padding, groups=channels)
    for ours_slope, other in zip(ours, _slopes(plain, picture, layer.weight), strict=True):
        np.testing.assert_allclose(ours_slope, other, rtol=1e-4, atol=1e-5)


def test_it_learns_from_a_picture_that_is_not_taught_itself():
    layer, picture = Depthwise(2, 3, 1, [1, 1, 1, 1]), _picture(2, 2, 8).detach()
    plain = F.conv2d(picture, layer.weight, None, 1, 1, groups=2)
    (expected,) = paddle.grad(plain.sum(), [layer.weight])

    layer(picture).sum().backward()

    np.testing.assert_allclose(layer.weight.grad.numpy(), expected.numpy(), rtol=1e-5)


def test_a_wide_picture_goes_the_plain_way_and_comes_to_the_same():
    layer = Depthwise(2, 3, 1, [1, 1, 1, 1])
    wide = _picture(1, 2, 80)

    output = layer(wide)

    part = layer(wide[:, :, :20, :20])
    np.testing.assert_allclose(
        output[:, :, :19, :19].numpy(), part[:, :, :19, :19].numpy(), atol=1e-5
    )


def _picture(count: int, channels: int, side: int):
    numbers = np.random.default_rng(0).standard_normal((count, channels, side, side))
    picture = paddle.to_tensor(numbers.astype(np.float32))
    picture.stop_gradient = False
    return picture


def _slopes(output, picture, weight) -> list:
    """What was made, and the slopes of a sum of it with unequal shares."""
    shares = paddle.to_tensor(
        np.linspace(-1, 1, output.size, dtype=np.float32).reshape(output.shape)
    )
    found = paddle.grad((output * shares).sum(), [picture, weight])
    return [output.numpy(), *[gradient.numpy() for gradient in found]]
