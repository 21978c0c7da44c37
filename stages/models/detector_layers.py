"""An anchor-free detector's layers in Paddle: a backbone's feature maps, a light neck, a head for
each level.

Neck: a feature pyramid (Lin et al., arXiv 1612.03144) and back down (Liu et al., PANet, arXiv
1803.01534), of depthwise-separable convolutions as in PicoDet (Yu et al., arXiv 2111.00902). Head:
for each point, a logit for each label and for each side of the box a distribution over distances
(Li et al., Generalized Focal Loss, arXiv 2006.04388).

Paddle's tracer does not support zip with `strict`."""

import math
from collections.abc import Mapping, Sequence

import paddle
from paddle import Tensor, nn

from stages.models.efficientnet_lite_layers import Unit, stages
from stages.models.family import Family
from stages.models.weights import Array

STRIDES = (8, 16, 32)
WIDTH = 96  # channels of every level
DEPTH = 2  # separable convolutions of the head
BINS = 8  # a side is at most BINS - 1 strides from its point
RARE = 0.01  # initial score of each label: most points are background


class Separable(nn.Layer):  # type: ignore[misc]
    """A depthwise-separable convolution."""

    def __init__(self, narrow: int, wide: int, kernel: int = 5, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = Unit(narrow, narrow, kernel, stride, groups=narrow)
        self.project = Unit(narrow, wide, 1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.project(self.depthwise(picture))


class Neck(nn.Layer):  # type: ignore[misc]
    """Feature maps at strides 8, 16, 32 to as many with `WIDTH` channels, each computed from all of
    them."""

    def __init__(self, channels: Sequence[int], width: int = WIDTH) -> None:
        super().__init__()
        self.lateral = nn.LayerList([Unit(narrow, width, 1) for narrow in channels])
        self.up = nn.LayerList([Separable(width, width) for _ in channels[1:]])
        self.shrink = nn.LayerList([Separable(width, width, stride=2) for _ in channels[1:]])
        self.down = nn.LayerList([Separable(width, width) for _ in channels[1:]])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        levels = [lateral(feature_map) for lateral, feature_map in zip(self.lateral, features)]  # noqa: B905
        for finer in range(len(levels) - 2, -1, -1):
            levels[finer] = self.up[finer](levels[finer] + doubled(levels[finer + 1]))
        for finer in range(len(levels) - 1):
            levels[finer + 1] = self.down[finer](
                levels[finer + 1] + self.shrink[finer](levels[finer])
            )
        return levels


class PointHead(nn.Layer):  # type: ignore[misc]
    """Levels to logits (N, P, labels) and distances (N, P, 4 * BINS); P: all points, level after
    level, row by row."""

    def __init__(self, levels: int, labels: int, width: int = WIDTH) -> None:
        super().__init__()
        self.towers = nn.LayerList(
            [nn.Sequential(*[Separable(width, width) for _ in range(DEPTH)]) for _ in range(levels)]
        )
        self.labels = nn.Conv2D(width, labels, 1)
        self.sides = nn.Conv2D(width, 4 * BINS, 1)
        self.labels.bias.set_value(paddle.full([labels], log_of_rare()))

    def forward(self, levels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        features = [tower(level) for tower, level in zip(self.towers, levels)]  # noqa: B905
        logits = paddle.concat(
            [points(self.labels(feature_map)) for feature_map in features], axis=1
        )
        return logits, paddle.concat(
            [points(self.sides(feature_map)) for feature_map in features], axis=1
        )


class Detector(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to a head's outputs. The frozen stem keeps its published weights; the unfrozen
    layers are trained."""

    def __init__(self, backbone: nn.Layer, neck: nn.Layer, head: nn.Layer) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.unfrozen_layers(self.frozen_stem(image))

    def frozen_stem(self, image: Tensor) -> Tensor:
        """The backbone's feature map at stride 8."""
        return self.backbone.frozen_stem(image)

    def unfrozen_layers(self, fine: Tensor) -> tuple[Tensor, Tensor]:
        """From the feature map at stride 8 to the outputs."""
        outputs: tuple[Tensor, Tensor] = self.head(self.neck(self.backbone.unfrozen_stages(fine)))
        return outputs


class BackboneLevels(nn.Layer):  # type: ignore[misc]
    """(N, 3, H, W) to a backbone's feature maps, the frozen stem's first."""

    def __init__(self, backbone: nn.Layer) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, image: Tensor) -> list[Tensor]:
        levels: list[Tensor] = self.backbone(image)
        return levels


def backbone(_family: str) -> nn.Layer:
    """New stages of EfficientNet-Lite0, with random weights."""
    return stages("efficientnet_lite0", STRIDES)


def new_point_detector(family: Family, labels: int) -> nn.Layer:
    """The whole detector for so many labels."""
    stem = family.backbone()
    return Detector(stem, Neck(stem.channels), PointHead(len(stem.channels), labels))


def point_detector(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The detector of the size of `arrays`; without head.*, its backbone."""
    if "head.labels.bias" not in arrays:
        return BackboneLevels(family.backbone())
    return new_point_detector(family, len(arrays["head.labels.bias"]))


def log_of_rare() -> float:
    """The logit of the score RARE."""
    return -math.log(1 / RARE - 1)


def doubled(level: Tensor) -> Tensor:
    """(N, C, H, W) to (N, C, 2 H, 2 W), with each number repeated four times: paddle2onnx 2.0
    cannot read interpolation by a factor, and Paddle's inference engine (3.3, oneDNN) cannot run
    it."""
    wide = paddle.stack([level, level], axis=4).flatten(3)
    return paddle.stack([wide, wide], axis=3).flatten(2, 3)


def points(level: Tensor) -> Tensor:
    """(N, C, H, W) to (N, H * W, C), row by row."""
    return level.flatten(2).transpose([0, 2, 1])
