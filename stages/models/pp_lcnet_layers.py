"""PP-LCNet's layers in Paddle, at scale 1. Parameters have the names of the authors' network
(PaddleClas), so that weights of it fit as they are."""

from typing import NamedTuple

from paddle import Tensor, nn

from stages.models.depthwise import Depthwise
from stages.models.paddle_backbones import MOMENTUM

STEM, TOP = 16, 1280
SQUEEZE = 4  # reduction of squeeze-and-excitation


class Shape(NamedTuple):
    """The shape of a block; `squeezed`: with squeeze-and-excitation."""

    kernel: int
    narrow: int
    wide: int
    stride: int = 1
    squeezed: bool = False


STAGES = {
    "blocks2": (Shape(3, 16, 32),),
    "blocks3": (Shape(3, 32, 64, 2), Shape(3, 64, 64)),
    "blocks4": (Shape(3, 64, 128, 2), Shape(3, 128, 128)),
    "blocks5": (Shape(3, 128, 256, 2), *(Shape(5, 256, 256),) * 5),
    "blocks6": (Shape(5, 256, 512, 2, True), Shape(5, 512, 512, 1, True)),
}


class Unit(nn.Layer):  # type: ignore[misc]
    """Convolution, batch norm, h-swish."""

    def __init__(self, convolution: nn.Conv2D, wide: int) -> None:
        super().__init__()
        self.conv = convolution
        self.bn = nn.BatchNorm2D(wide, momentum=MOMENTUM)
        self.act = nn.Hardswish()

    def forward(self, picture: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(picture)))


class Squeeze(nn.Layer):  # type: ignore[misc]
    """Squeeze-and-excitation: scales each channel by a function of all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2D(1)
        self.conv1 = nn.Conv2D(channels, channels // SQUEEZE, 1)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2D(channels // SQUEEZE, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, picture: Tensor) -> Tensor:
        return picture * self.gate(self.conv2(self.relu(self.conv1(self.pool(picture)))))


class Block(nn.Layer):  # type: ignore[misc]
    """Depthwise convolution, squeeze-and-excitation if `squeezed`, pointwise convolution."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        narrow, padding = shape.narrow, [shape.kernel // 2] * 4
        self.dw_conv = Unit(Depthwise(narrow, shape.kernel, shape.stride, padding), narrow)
        self.se = Squeeze(narrow) if shape.squeezed else nn.Identity()
        self.pw_conv = Unit(nn.Conv2D(narrow, shape.wide, 1, bias_attr=False), shape.wide)

    def forward(self, picture: Tensor) -> Tensor:
        return self.pw_conv(self.se(self.dw_conv(picture)))


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 1280)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = Unit(nn.Conv2D(3, STEM, 3, 2, 1, bias_attr=False), STEM)
        for name, shapes in STAGES.items():
            setattr(self, name, nn.Sequential(*(Block(shape) for shape in shapes)))
        self.avg_pool = nn.AdaptiveAvgPool2D(1)
        self.last_conv = nn.Conv2D(STAGES["blocks6"][-1].wide, TOP, 1, bias_attr=False)
        self.act = nn.Hardswish()
        self.flatten = nn.Flatten()

    def forward(self, picture: Tensor) -> Tensor:
        picture = self.blocks3(self.blocks2(self.conv1(picture)))
        picture = self.blocks6(self.blocks5(self.blocks4(picture)))
        return self.flatten(self.act(self.last_conv(self.avg_pool(picture))))

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        blocks = [block for name in STAGES for block in getattr(self, name)]
        top = nn.Sequential(self.avg_pool, self.last_conv, self.act, self.flatten)
        return [self.conv1, *blocks, top]


def backbone(name: str) -> Backbone:
    """A new backbone, with random weights."""
    return Backbone()
