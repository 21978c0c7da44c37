"""The small audio network's layers in Paddle, several of them side by side.

The networks of all folds are groups of channels of one network, which needs as few calls as a
single one, in training and when their mean is the answer."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import paddle
from paddle import Tensor, nn

from stages.models.family import Family
from stages.models.network import Classifier, head_of
from stages.models.weights import Array

HIDDEN = 64  # units of a hidden layer, in each fold's network


class Stage(NamedTuple):
    """A convolution to `wide` channels."""

    wide: int
    stride: int


STAGES = (Stage(16, 2), Stage(32, 2), Stage(48, 2), Stage(64, 2), Stage(64, 1))
WIDTH = STAGES[-1].wide
KERNEL = 3


class Unit(nn.Layer):  # type: ignore[misc]
    """Convolution, batch norm, ReLU."""

    def __init__(self, narrow: int, wide: int, stride: int, groups: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2D(
            narrow, wide, kernel, stride, padding=kernel // 2, groups=groups, bias_attr=False
        )
        self.norm = nn.BatchNorm2D(wide, momentum=0.9)
        self.activation = nn.ReLU()

    def forward(self, sound: Tensor) -> Tensor:
        return self.activation(self.norm(self.convolution(sound)))


class Backbone(nn.Layer):  # type: ignore[misc]
    """`folds` networks side by side: (N, 1, bands, frames) to (N, folds * features).

    In training they are `apart`, each with an input of its own: (N, folds, bands, frames); the
    weights are the same. `hidden`: each has a hidden layer. `kernel`: side of the first
    convolution's, those of the others being 3. `mean` and `scale`: of the spectrograms, for each
    band."""

    def __init__(
        self, folds: int, bands: int, hidden: bool, apart: bool, kernel: int = KERNEL
    ) -> None:
        super().__init__()
        for name in ("mean", "scale"):
            self.register_buffer(name, paddle.ones([1, 1, bands, 1]))
        self.units, narrow = nn.LayerList(), 1
        for place, stage in enumerate(STAGES):
            groups = folds if place or apart else 1
            side = KERNEL if place else kernel
            self.units.append(Unit(narrow * groups, stage.wide * folds, stage.stride, groups, side))
            narrow = stage.wide
        wide = folds * HIDDEN
        self.hidden = nn.Conv2D(folds * narrow, wide, 1, groups=folds) if hidden else nn.Identity()
        self.activation = nn.ReLU() if hidden else nn.Identity()

    def forward(self, sound: Tensor) -> Tensor:
        heard = (sound - self.mean) / self.scale
        for unit in self.units:
            heard = unit(heard)
        pitches = heard.mean(axis=2, keepdim=True)
        times = pitches.mean(axis=3, keepdim=True) + pitches.max(axis=3, keepdim=True)
        return self.activation(self.hidden(times)).flatten(1)


def network(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The networks with the weights `arrays`, and the mean of their logits as a head: (N, 1, bands,
    frames) to (N, labels)."""
    first, *_, kernel = arrays["backbone.units.0.convolution.weight"].shape
    bands = arrays["backbone.mean"].shape[2]
    hidden = "backbone.hidden.weight" in arrays
    backbone = Backbone(first // STAGES[0].wide, bands, hidden, apart=False, kernel=kernel)
    return Classifier(backbone, head_of(arrays))


def start(backbone: Backbone, rng: np.random.Generator) -> None:
    """Initialise the convolutions of `backbone` (He et al., arXiv 1502.01852)."""
    for name, place in backbone.named_parameters():
        if len(place.shape) == 4:
            deviation = (2 / np.prod(place.shape[1:])) ** 0.5
            drawn = rng.normal(0, deviation, place.shape).astype(np.float32)
            place.set_value(drawn)
        elif name.endswith("bias"):
            place.set_value(np.zeros(place.shape, np.float32))
