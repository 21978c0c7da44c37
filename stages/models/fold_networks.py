"""Small networks that are trained from scratch: those of all folds side by side, as groups of
channels of one network, which needs as few calls as a single one, in training and when their mean
is the answer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

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
FIRST, SECOND = (f"backbone.units.{place}.convolution.weight" for place in (0, 1))


class Stage(NamedTuple):
    """A convolution to `wide` channels, times the network's width."""

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
    width); the weights are the same. `hidden`: each has a hidden layer. `choices`: what the search
    chooses, arguments of `build_units`: `kernel`, the side of the first convolution's, those of the
    others being KERNEL; `width`, a factor of all stages' channels. `shape`: of an input, (channels,
    height, width). A family's class says its `stages`, over which
    axes inputs are standardised (`averaged`, of [n, channels, height, width]), and how the last
    outputs are pooled.

    `features`: their number in each fold's network."""

    stages: ClassVar[Sequence[Stage]]
    averaged: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        folds: int,
        shape: Sequence[int],
        hidden: bool,
        apart: bool = False,
        **choices: Any,
    ) -> None:
        super().__init__()
        self.folds, self.channels, self.apart = folds, shape[0], apart
        sides = [1 if axis in self.averaged else side for axis, side in enumerate(shape, 1)]
        for name in ("mean", "scale"):
            self.register_buffer(name, paddle.ones([1, *sides]))
        self.units, narrow = self.build_units(**choices)
        self.features = HIDDEN if hidden else narrow
        wide = folds * HIDDEN
        self.hidden = nn.Conv2D(folds * narrow, wide, 1, groups=folds) if hidden else nn.Identity()
        self.activation = nn.ReLU() if hidden else nn.Identity()

    def build_units(self, kernel: int = KERNEL, width: float = 1.0) -> tuple[nn.LayerList, int]:
        """The layers between standardising and pooling, and how many channels a fold then has."""
        units, narrow = nn.LayerList(), self.channels
        for place, stage in enumerate(self.stages):
            groups = self.folds if place or self.apart else 1
            side, wide = KERNEL if place else kernel, round(stage.wide * width)
            units.append(Unit(narrow * groups, wide * self.folds, stage.stride, groups, side))
            narrow = wide
        return units, narrow

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = self._standardised(inputs)
        for unit in self.units:
            outputs = unit(outputs)
        return self._features_of(outputs)

    def parts(self) -> list[Callable[[Tensor], Tensor]]:
        """Functions whose composition is the network."""
        return [self._standardised, *self.units, self._features_of]

    def _features_of(self, outputs: Tensor) -> Tensor:
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
    wide_of_all, channels, _, kernel = arrays[FIRST].shape
    wide = arrays[SECOND].shape[1]  # a fold's: its groups do not mix
    sides = arrays["backbone.mean"].shape[2:]
    kind = family.fold_networks
    hidden = "backbone.hidden.weight" in arrays
    width = wide / kind.stages[0].wide
    backbone = kind(wide_of_all // wide, (channels, *sides), hidden, kernel=kernel, width=width)
    return Classifier(backbone, head_of(arrays))
