"""Small networks that are trained from scratch: those of all folds side by side, as groups of
channels of one network, which needs as few calls as a single one, in training and when their mean
is the answer."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import Tensor, nn

from stages.models.family import Family
from stages.models.network import Classifier, head_of
from stages.models.weights import Array

HIDDEN = 64  # units of a hidden layer, in each fold's network
KERNEL = 3
LEAST_SCALE = 1e-3
FIRST = "backbone.units.0.convolution.weight"


class Stage(NamedTuple):
    """A convolution to `wide` channels."""

    wide: int
    stride: int


class Unit(nn.Layer):  # type: ignore[misc]
    """Convolution, batch norm, ReLU."""

    def __init__(self, narrow: int, wide: int, stride: int, groups: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2D(
            narrow, wide, kernel, stride, padding=kernel // 2, groups=groups, bias_attr=False
        )
        self.norm = nn.BatchNorm2D(wide, momentum=0.9)
        self.activation = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.norm(self.convolution(inputs)))


class FoldNetworks(nn.Layer, ABC):  # type: ignore[misc]
    """`folds` networks side by side: (N, channels, height, width) to (N, folds * features).

    In training they are `apart`, each with an input of its own: (N, folds * channels, height,
    width); the weights are the same. `hidden`: each has a hidden layer. `kernel`: side of the first
    convolution's, those of the others being KERNEL. `shape`: of an input, (channels, height,
    width). A family's class says its `stages`, over which axes inputs are standardised
    (`averaged`, of [n, channels, height, width]), and how the last outputs are pooled."""

    stages: ClassVar[Sequence[Stage]]
    averaged: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        folds: int,
        shape: Sequence[int],
        hidden: bool,
        apart: bool = False,
        kernel: int = KERNEL,
    ) -> None:
        super().__init__()
        self.folds, self.channels, self.apart = folds, shape[0], apart
        sides = [1 if axis in self.averaged else side for axis, side in enumerate(shape, 1)]
        for name in ("mean", "scale"):
            self.register_buffer(name, paddle.ones([1, *sides]))
        self.units, narrow = nn.LayerList(), self.channels
        for place, stage in enumerate(self.stages):
            groups = folds if place or apart else 1
            side = KERNEL if place else kernel
            self.units.append(Unit(narrow * groups, stage.wide * folds, stage.stride, groups, side))
            narrow = stage.wide
        self.width = HIDDEN if hidden else narrow  # features of each fold's network
        wide = folds * HIDDEN
        self.hidden = nn.Conv2D(folds * narrow, wide, 1, groups=folds) if hidden else nn.Identity()
        self.activation = nn.ReLU() if hidden else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self._standardised(inputs)
        for unit in self.units:
            outputs = unit(outputs)
        return self.activation(self.hidden(self.pooled(outputs))).flatten(1)

    @abstractmethod
    def pooled(self, outputs: Tensor) -> Tensor:
        """(N, C, height, width) to (N, C, 1, 1)."""

    def initialise(self, inputs: NDArray[np.float32], rng: np.random.Generator) -> None:
        """Draw the convolutions' weights (He et al., arXiv 1502.01852), and standardise by the mean
        and the deviation of `inputs` [n, channels, height, width]."""
        for name, place in self.named_parameters():
            if len(place.shape) == 4:
                deviation = (2 / np.prod(place.shape[1:])) ** 0.5
                place.set_value(rng.normal(0, deviation, place.shape).astype(np.float32))
            elif name.endswith("bias"):
                place.set_value(np.zeros(place.shape, np.float32))
        centre = inputs.mean(axis=self.averaged, dtype=np.float64)
        spread = np.maximum(inputs.std(axis=self.averaged, dtype=np.float64), LEAST_SCALE)
        for place, value in ((self.mean, centre), (self.scale, spread)):
            place.set_value(value.reshape(place.shape).astype(np.float32))

    def _standardised(self, inputs: Tensor) -> Tensor:
        mean, scale = self.mean, self.scale
        if self.apart and self.channels > 1:
            mean, scale = (paddle.tile(value, [1, self.folds, 1, 1]) for value in (mean, scale))
        return (inputs - mean) / scale


def network(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The networks of `family` with the weights `arrays`, and the mean of their logits as a head:
    (N, channels, height, width) to (N, labels)."""
    wide, channels, _, kernel = arrays[FIRST].shape
    sides = arrays["backbone.mean"].shape[2:]
    kind = family.fold_networks
    hidden = "backbone.hidden.weight" in arrays
    folds = wide // kind.stages[0].wide
    return Classifier(kind(folds, (channels, *sides), hidden, kernel=kernel), head_of(arrays))
