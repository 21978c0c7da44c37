"""Many tensors as one vector, so that they travel and are averaged in one piece, and the optimizer
of such a vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FIRST, SECOND = 0.9, 0.999  # what is kept of the means of gradients and of their squares
EPSILON = 1e-8
MAX_GRADIENT_NORM = 10.0  # norm at which a gradient is cut


def flattened(tensors: Sequence[Any]) -> Floats:
    """The values of `tensors`, one after the other."""
    nothing = np.zeros(0, np.float32)
    return np.concatenate([nothing, *[tensor.numpy().ravel() for tensor in tensors]])


def fill(tensors: Sequence[Any], vector: Floats) -> None:
    """Give `tensors` their values back from `vector`."""
    start = 0
    for tensor in tensors:
        tensor.set_value(vector[start : start + tensor.size].reshape(tensor.shape))
        start += tensor.size


def spread(tensors: Sequence[Any], values: Sequence[float]) -> Floats:
    """For each tensor its value, as often as it has numbers."""
    sizes = [tensor.size for tensor in tensors]
    return np.repeat(np.asarray(values, np.float32), sizes)


def gradients(tensors: Sequence[Any]) -> Floats:
    """The gradients of `tensors`, one after the other; nought for one that had no part in the
    loss."""
    nothing = np.zeros(0, np.float32)
    return np.concatenate([nothing, *[_gradient(tensor) for tensor in tensors]])


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) of one vector.

    `lr_multiplier`: of each number, a factor of the learning rate; `decay`: its weight decay."""

    lr_multiplier: Floats
    decay: Floats
    first: Floats
    second: Floats
    steps: int = 0

    @classmethod
    def new(cls, lr_multiplier: Floats, decay: Floats) -> "AdamW":
        """One that has seen no gradient yet."""
        return cls(lr_multiplier, decay, np.zeros_like(lr_multiplier), np.zeros_like(lr_multiplier))

    def resume(self, first: Floats, second: Floats, steps: int) -> None:
        """Continue with the moments that another optimizer had after so many `steps`."""
        self.first, self.second, self.steps = first, second, steps

    def step(self, values: Floats, gradient: Floats, rate: float) -> Floats:
        """`values` after a step of `rate` against `gradient`."""
        norm = float(np.sqrt(np.square(gradient, dtype=np.float64).sum()))
        gradient = gradient * np.float32(min(1.0, MAX_GRADIENT_NORM / max(norm, EPSILON)))
        self.steps += 1
        self.first = FIRST * self.first + (1 - FIRST) * gradient
        self.second = SECOND * self.second + (1 - SECOND) * gradient**2
        mean = self.first / (1 - FIRST**self.steps)
        size = np.sqrt(self.second / (1 - SECOND**self.steps)) + EPSILON
        moved: Floats = values - rate * self.lr_multiplier * (mean / size + self.decay * values)
        return moved.astype(np.float32)


def _gradient(tensor: Any) -> Floats:
    if tensor.grad is None:
        return np.zeros(tensor.size, np.float32)
    gradient: Floats = tensor.grad.numpy().ravel()
    return gradient
