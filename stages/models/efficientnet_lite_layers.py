"""EfficientNet-Lite's layers in Paddle.

Padding is written into the convolutions, as top, bottom, left, right: a layer that pads by itself
is exported to ONNX with a pad value from uninitialised memory (paddle2onnx 2.0.1, 2.1.0)."""

import math
from typing import Any, NamedTuple

from paddle import Tensor, nn

from stages.models.depthwise import Depthwise

EPSILON = 1e-3
STEM, TOP = 32, 1280


class Stage(NamedTuple):
    """`repeats` blocks; only the first has `stride` and takes `narrow` channels."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    narrow: int
    wide: int


STAGES = (
    Stage(1, 3, 1, 1, 32, 16),
    Stage(2, 3, 2, 6, 16, 24),
    Stage(2, 5, 2, 6, 24, 40),
    Stage(3, 3, 2, 6, 40, 80),
    Stage(3, 5, 1, 6, 80, 112),
    Stage(4, 5, 2, 6, 112, 192),
    Stage(1, 3, 1, 6, 192, 320),
)
LEVELS = {8: 2, 16: 4, 32: 6}  # stride -> the last stage that has it
SCALES = {  # width, depth
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}


class Unit(nn.Layer):  # type: ignore[misc]
    """Convolution, batch norm and, if it is `active`, ReLU6; an even size is padded as TensorFlow's
    SAME."""

    def __init__(
        self,
        narrow: int,
        wide: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__()
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        padding = [before, after, before, after]
        if narrow == wide == groups:
            self.convolution = Depthwise(wide, kernel, stride, padding)
        else:
            self.convolution = nn.Conv2D(
                narrow, wide, kernel, stride, padding, groups=groups, bias_attr=False
            )
        self.norm = nn.BatchNorm2D(wide, momentum=0.9, epsilon=EPSILON)
        self.activation = nn.ReLU6() if active else nn.Identity()

    def forward(self, picture: Tensor) -> Tensor:
        return self.activation(self.norm(self.convolution(picture)))


class Block(nn.Layer):  # type: ignore[misc]
    """An inverted residual block: expand, depthwise convolution, project; added to its input if the
    shapes agree."""

    def __init__(self, narrow: int, wide: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = narrow * expansion
        self.expand = Unit(narrow, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Unit(inner, inner, kernel, stride, groups=inner)
        self.project = Unit(inner, wide, 1, active=False)
        self.shortcut = stride == 1 and narrow == wide

    def forward(self, picture: Tensor) -> Tensor:
        out = self.project(self.depthwise(self.expand(picture)))
        return picture + out if self.shortcut else out


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 1280): stem, blocks, top, mean over the picture."""

    def __init__(self, width: float, depth: float) -> None:
        super().__init__()
        self.stem = Unit(3, STEM, 3, stride=2)
        self.blocks = nn.LayerList(_blocks(width, depth))
        self.top = Unit(_scaled(STAGES[-1].wide, width), TOP, 1)
        self.pool = nn.AdaptiveAvgPool2D(1)

    def forward(self, picture: Tensor) -> Tensor:
        picture = self.stem(picture)
        for block in self.blocks:
            picture = block(picture)
        return self.pool(self.top(picture)).flatten(1)

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        return [self.stem, *self.blocks, self.top, nn.Sequential(self.pool, nn.Flatten())]


class Stages(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to the maps at `strides` (8, then 16, then 32), of `channels`: a backbone
    without its mean, in two parts: `frozen_stem` up to stride 8, `unfrozen_stages` from there on.
    The map at stride 32 is the top's, the most discriminative one."""

    def __init__(self, width: float, depth: float, strides: tuple[int, ...]) -> None:
        super().__init__()
        levels = [LEVELS[stride] for stride in strides]
        self.ends = [sum(_repeats(index, depth) for index in range(last + 1)) for last in levels]
        self.stem = Unit(3, STEM, 3, stride=2)
        self.blocks = nn.LayerList(_blocks(width, depth)[: self.ends[-1]])
        self.channels = [_scaled(STAGES[last].wide, width) for last in levels]
        self.top = nn.Identity()
        if levels[-1] == len(STAGES) - 1:
            self.top = Unit(self.channels[-1], TOP, 1)
            self.channels[-1] = TOP

    def forward(self, picture: Tensor) -> list[Tensor]:
        return self.unfrozen_stages(self.frozen_stem(picture))

    def frozen_stem(self, picture: Tensor) -> Tensor:
        """The map at stride 8: generic features."""
        picture = self.stem(picture)
        for block in self.blocks[: self.ends[0]]:
            picture = block(picture)
        return picture

    def tuned(self) -> list[Tensor]:
        """The parameters of the unfrozen stages."""
        layers = [*self.blocks[self.ends[0] :], self.top]
        return [parameter for layer in layers for parameter in layer.parameters()]

    def unfrozen_stages(self, fine: Tensor) -> list[Tensor]:
        """All maps, from that at stride 8."""
        features = [fine]
        for start, end in zip(self.ends[:-1], self.ends[1:]):  # noqa: B905
            for block in self.blocks[start:end]:
                fine = block(fine)
            features.append(fine)
        return [*features[:-1], self.top(features[-1])]


def stages(name: str, strides: tuple[int, ...] = (8, 16, 32)) -> Stages:
    """New stages of the family `name`, with random weights, named as in its backbone."""
    return Stages(*SCALES[name], strides)


def backbone(name: str) -> Backbone:
    """A new backbone of the family `name`, with random weights."""
    return Backbone(*SCALES[name])


def _blocks(width: float, depth: float) -> list[Any]:
    blocks = []
    for position, stage in enumerate(STAGES):
        narrow, wide = _scaled(stage.narrow, width), _scaled(stage.wide, width)
        narrow = STEM if position == 0 else narrow  # the stem is not scaled
        for number in range(_repeats(position, depth)):
            first = number == 0
            shape = (narrow if first else wide, wide, stage.kernel, stage.stride if first else 1)
            blocks.append(Block(*shape, stage.expansion))
    return blocks


def _repeats(position: int, depth: float) -> int:
    """Blocks of a stage; the depth of the first and the last one is not scaled."""
    repeats = STAGES[position].repeats
    return repeats if position in (0, len(STAGES) - 1) else math.ceil(repeats * depth)


def _scaled(channels: int, width: float) -> int:
    """The nearest multiple of 8 to `channels` times `width`, and never below nine tenths of it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8
