"""ShuffleNetV2's layers in Paddle. Parameters have the names of paddle's own network, so that its
published weights fit as they are; paddle's cannot be exported for pictures of arbitrary size."""

import paddle
from paddle import Tensor, nn
from paddle.vision.ops import ConvNormActivation

from stages.models.paddle_backbones import mean_of_map, prepare_for_training

STEM, TOP = 24, 1024
REPEATS = (4, 8, 4)
WIDTHS = {"shufflenet_v2": (116, 232, 464), "shufflenet_v2_x0_5": (48, 96, 192)}


class Shuffle(nn.Layer):  # type: ignore[misc]
    """Interleaves the channels of two inputs, for pictures of any size: one below the other, each
    channel of the first is followed by that of the second.

    Not by choosing channels in another order: OpenVINO 2026.4 takes that for a reversal, which it
    moves into the next convolution's weights without inverting the order."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, first: Tensor, other: Tensor) -> Tensor:
        stacked = paddle.concat([first, other], axis=2)
        return paddle.reshape(stacked, [0, self.channels, -1, 0])  # 0: as it is


class Block(nn.Layer):  # type: ignore[misc]
    """Half of the channels are unchanged, the others pass pointwise, depthwise, pointwise
    convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.half = channels // 2
        self._conv_pw = _mixing(self.half, self.half)
        self._conv_dw = _filtering(self.half, 1)
        self._conv_linear = _mixing(self.half, self.half)
        self.shuffle = Shuffle(channels)

    def forward(self, picture: Tensor) -> Tensor:
        untouched, other = picture[:, : self.half], picture[:, self.half :]
        return self.shuffle(untouched, self._conv_linear(self._conv_dw(self._conv_pw(other))))


class Halving(nn.Layer):  # type: ignore[misc]
    """A block that halves the map: all channels pass both branches."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        half = wide // 2
        self._conv_dw_1 = _filtering(narrow, 2)
        self._conv_linear_1 = _mixing(narrow, half)
        self._conv_pw_2 = _mixing(narrow, half)
        self._conv_dw_2 = _filtering(half, 2)
        self._conv_linear_2 = _mixing(half, half)
        self.shuffle = Shuffle(wide)

    def forward(self, picture: Tensor) -> Tensor:
        first = self._conv_linear_1(self._conv_dw_1(picture))
        return self.shuffle(first, self._conv_linear_2(self._conv_dw_2(self._conv_pw_2(picture))))


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to (N, 1024)."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self._conv1 = ConvNormActivation(3, STEM, 3, 2)
        self._max_pool = nn.MaxPool2D(3, 2, padding=1)
        self.blocks = [
            self.add_sublayer(f"{stage + 2}_{place + 1}", block)
            for stage, blocks in enumerate(_stages(widths))
            for place, block in enumerate(blocks)
        ]
        self._last_conv = ConvNormActivation(widths[-1], TOP, 1)
        self.mean = mean_of_map()
        prepare_for_training(self)

    def forward(self, picture: Tensor) -> Tensor:
        picture = self._max_pool(self._conv1(picture))
        for block in self.blocks:
            picture = block(picture)
        return self.mean(self._last_conv(picture))

    def parts(self) -> list[nn.Layer]:
        """Layers whose composition is the backbone; see backbone_split.py."""
        return [
            nn.Sequential(self._conv1, self._max_pool),
            *self.blocks,
            self._last_conv,
            self.mean,
        ]


def backbone(name: str) -> Backbone:
    """A new backbone of the family `name`, with random weights."""
    return Backbone(WIDTHS[name])


def _stages(widths: tuple[int, ...]) -> list[list[nn.Layer]]:
    before = (STEM, *widths[:-1])
    return [
        [Halving(narrow, wide), *(Block(wide) for _ in range(repeats - 1))]
        for narrow, wide, repeats in zip(before, widths, REPEATS, strict=True)
    ]


def _mixing(narrow: int, wide: int) -> nn.Layer:
    return ConvNormActivation(narrow, wide, 1)


def _filtering(channels: int, stride: int) -> nn.Layer:
    return ConvNormActivation(channels, channels, 3, stride, groups=channels, activation_layer=None)
