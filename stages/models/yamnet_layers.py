"""YAMNet's layers in Paddle: MobileNet v1 on a spectrogram, batch norm folded into convolutions.

Even sizes are padded like TensorFlow's SAME, within the convolutions (see
efficientnet_lite_layers.py)."""

from typing import NamedTuple

from paddle import Tensor, nn

STEM = 32


class Pair(NamedTuple):
    """A depthwise convolution with `stride` and a pointwise one to `wide` channels."""

    wide: int
    stride: int


PAIRS = (
    *(Pair(64, 1), Pair(128, 2), Pair(128, 1), Pair(256, 2), Pair(256, 1), Pair(512, 2)),
    *[Pair(512, 1)] * 5,
    *(Pair(1024, 2), Pair(1024, 1)),
)


def convolution(narrow: int, wide: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Layer:
    """A convolution with bias, and ReLU."""
    before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
    padding = [before, after, before, after]
    layer = nn.Conv2D(narrow, wide, kernel, stride, padding=padding, groups=groups)
    return nn.Sequential(layer, nn.ReLU())


class Backbone(nn.Layer):  # type: ignore[misc]
    """(N, 1, 64 bands, 96 frames) to (N, 1024): stem, pairs of convolutions, mean."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolution(1, STEM, 3, stride=2)
        self.convolutions, narrow = nn.LayerList(), STEM
        for pair in PAIRS:
            self.convolutions.append(convolution(narrow, narrow, 3, pair.stride, groups=narrow))
            self.convolutions.append(convolution(narrow, pair.wide, 1))
            narrow = pair.wide
        self.pool = nn.AdaptiveAvgPool2D(1)

    def forward(self, sound: Tensor) -> Tensor:
        heard = self.stem(sound.transpose([0, 1, 3, 2]))  # its weights are for (frames, bands)
        for layer in self.convolutions:
            heard = layer(heard)
        return self.pool(heard).flatten(1)


def backbone(name: str) -> Backbone:
    """A new backbone, with random weights."""
    return Backbone()
