"""Flattens many tensors into one vector, so that workers add them up in one call, and optimizes
such a vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Adam's decay rates, at each step, of the running means of gradients and of their squares
BETA1, BETA2 = 0.9, 0.999
EPSILON = 1e-8  # keeps Adam from dividing by zero
MAX_GRADIENT_NORM = 10.0  # a gradient with a larger Euclidean norm is scaled down to it


def flatten(tensors: Sequence[Any]) -> Floats:
    """The values of Paddle's `tensors`, one after the other, as a new vector."""
    nothing = np.zeros(0, np.float32)
    return np.concatenate([nothing, *[tensor.numpy().ravel() for tensor in tensors]])


def fill(tensors: Sequence[Any], vector: Floats) -> None:
    """Set the values of `tensors` to those of `vector`, which is laid out as `flatten` does."""
    start = 0
    for tensor in tensors:
        tensor.set_value(vector[start : start + tensor.size].reshape(tensor.shape))
        start += tensor.size


def value_per_element(tensors: Sequence[Any], values: Sequence[float]) -> Floats:
    """A vector laid out as `flatten` does, in which each of `tensors` has one of `values`
    throughout."""
    sizes = [tensor.size for tensor in tensors]
    return np.repeat(np.asarray(values, np.float32), sizes)


def gradients(tensors: Sequence[Any]) -> Floats:
    """The gradients of `tensors`, laid out as `flatten` does; 0 for a tensor that the loss does not
    depend on."""
    nothing = np.zeros(0, np.float32)
    return np.concatenate([nothing, *[_gradient(tensor) for tensor in tensors]])


def finite_loss(loss: Any) -> float:
    """`loss` as it is reported: one that is infinite or no number is the largest number."""
    return float(np.nan_to_num(np.float32(loss), nan=float(np.finfo(np.float32).max)))


@dataclass
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101) of one vector of
    parameters; gradients are clipped to MAX_GRADIENT_NORM.

    `lr_multiplier`: a factor of the learning rate for each parameter; `decay`: its weight decay;
    `first`, `second`: running means of gradients and of their squares; all [parameters]. `steps`:
    how many were taken."""

    lr_multiplier: Floats
    decay: Floats
    first: Floats
    second: Floats
    steps: int = 0

    @classmethod
    def new(cls, lr_multiplier: Floats, decay: Floats) -> "AdamW":
        """An optimizer before its first step."""
        return cls(lr_multiplier, decay, np.zeros_like(lr_multiplier), np.zeros_like(lr_multiplier))

    def resume(self, first: Floats, second: Floats, steps: int) -> None:
        """Continue where another optimizer was after `steps` steps: take over its two moments."""
        self.first, self.second, self.steps = first, second, steps

    def step(self, values: Floats, gradient: Floats, rate: float) -> Floats:
        """The parameters `values` after one step with the learning rate `rate`, as a new vector;
        changes the moments of this optimizer."""
        norm = float(np.sqrt(np.square(gradient, dtype=np.float64).sum()))
        gradient = gradient * np.float32(min(1.0, MAX_GRADIENT_NORM / max(norm, EPSILON)))
        self.steps += 1
        self.first = BETA1 * self.first + (1 - BETA1) * gradient
        self.second = BETA2 * self.second + (1 - BETA2) * gradient**2
        mean = self.first / (1 - BETA1**self.steps)
        size = np.sqrt(self.second / (1 - BETA2**self.steps)) + EPSILON
        moved: Floats = values - rate * self.lr_multiplier * (mean / size + self.decay * values)
        return moved.astype(np.float32)


def _gradient(tensor: Any) -> Floats:
    if tensor.grad is None:
        return np.zeros(tensor.size, np.float32)
    gradient: Floats = tensor.grad.numpy().ravel()
    return gradient
