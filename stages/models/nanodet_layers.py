"""NanoDet-g's layers in Paddle: plain convolutions with batch norms folded in.

As in github.com/RangiLyu/nanodet (CustomCspNet, PAN, NanoDetHead), except that maps are upsampled
by repetition; the published network interpolates, which not every engine supports."""

from collections.abc import Mapping, Sequence

import paddle
import paddle.nn.functional as F
from paddle import Tensor, nn

from stages.models.detector_layers import BackboneLevels, Detector, doubled, log_of_rare, points
from stages.models.family import Family
from stages.models.weights import Array

WIDTH = 128  # channels of every level
BINS = 11
SLOPE = 0.1  # of the activation, below zero
STAGES = ((32, 1, 1), (64, 2, 2), (128, 2, 2), (256, 2, 3))  # channels, stride, inner blocks
STEM_STAGES = 2  # stages up to stride 8


class Convolution(nn.Layer):  # type: ignore[misc]
    """Convolution and leaky ReLU (as a maximum, since paddle2onnx 2.0 loses its slope)."""

    def __init__(self, narrow: int, wide: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2D(narrow, wide, 3, stride, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        found = self.convolution(picture)
        return paddle.maximum(found, found * SLOPE)


class Inner(nn.Layer):  # type: ignore[misc]
    """Concatenates half of the channels with a further convolution of them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels // 2)
        self.second = Convolution(channels // 2, channels // 2)

    def forward(self, picture: Tensor) -> Tensor:
        first = self.first(picture)
        return paddle.concat([self.second(first), first], axis=1)


class Stage(nn.Layer):  # type: ignore[misc]
    """(N, C, ...) to (N, 2 C, ...): the first convolution's output, concatenated with that of the
    blocks after it."""

    def __init__(self, channels: int, stride: int, blocks: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels, stride)
        self.blocks = nn.Sequential(*[Inner(channels) for _ in range(blocks)])
        self.last = Convolution(channels, channels)

    def forward(self, picture: Tensor) -> Tensor:
        first = self.first(picture)
        return paddle.concat([self.last(self.blocks(first)), first], axis=1)


class Body(nn.Layer):  # type: ignore[misc]
    """The published network without the score layers of COCO's labels: (N, 3, H, W) to a feature
    map and the sides at each of strides 8, 16 and 32. `frozen_stem` up to stride 8,
    `unfrozen_stages` from there on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Convolution(3, STAGES[0][0], 2)
        self.stages = nn.LayerList([Stage(*stage) for stage in STAGES])
        channels = [2 * stage[0] for stage in STAGES[STEM_STAGES - 1 :]]
        self.lateral = nn.LayerList([nn.Conv2D(channels, WIDTH, 1) for channels in channels])
        self.towers = nn.LayerList([Convolution(WIDTH, WIDTH) for _ in channels])
        self.sides = nn.LayerList([nn.Conv2D(WIDTH, 4 * BINS, 1) for _ in channels])

    def forward(self, picture: Tensor) -> list[Tensor]:
        return self.unfrozen_stages(self.frozen_stem(picture))

    def frozen_stem(self, picture: Tensor) -> Tensor:
        """The map at stride 8."""
        picture = F.max_pool2d(self.stem(picture), 3, 2, 1)
        for stage in self.stages[:STEM_STAGES]:
            picture = stage(picture)
        return picture

    def tuned(self) -> list[Tensor]:
        """The parameters of the unfrozen stages."""
        layers = [*self.stages[STEM_STAGES:], self.lateral, self.towers, self.sides]
        return [parameter for layer in layers for parameter in layer.parameters()]

    def unfrozen_stages(self, fine: Tensor) -> list[Tensor]:
        """Maps of all levels, then the sides of all levels."""
        levels = [fine]
        for stage in self.stages[STEM_STAGES:]:
            levels.append(stage(levels[-1]))
        joined = zip(self.towers, self._joined(levels))  # noqa: B905
        features = [tower(feature_map) for tower, feature_map in joined]
        sides = zip(self.sides, features)  # noqa: B905
        return features + [side(feature) for side, feature in sides]

    def _joined(self, features: Sequence[Tensor]) -> list[Tensor]:
        levels = [lateral(feature_map) for lateral, feature_map in zip(self.lateral, features)]  # noqa: B905
        for finer in range(len(levels) - 2, -1, -1):
            levels[finer] = levels[finer] + doubled(levels[finer + 1])
        for finer in range(len(levels) - 1):
            levels[finer + 1] = levels[finer + 1] + F.avg_pool2d(levels[finer], 2, 2)
        return levels


class Scores(nn.Layer):  # type: ignore[misc]
    """Maps and sides to logits (N, P, labels) and distances (N, P, 4 * BINS); P as in a
    PointHead."""

    def __init__(self, levels: int, labels: int) -> None:
        super().__init__()
        self.labels = nn.LayerList([nn.Conv2D(WIDTH, labels, 1) for _ in range(levels)])
        for layer in self.labels:
            layer.bias.set_value(paddle.full([labels], log_of_rare()))

    def forward(self, outputs: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        count = len(self.labels)
        logits = [points(layer(level)) for layer, level in zip(self.labels, outputs[:count])]  # noqa: B905
        sides = [points(sides_of_level) for sides_of_level in outputs[count:]]
        return paddle.concat(logits, axis=1), paddle.concat(sides, axis=1)


def backbone(_family: str) -> nn.Layer:
    """A new body with random weights."""
    return Body()


def new_nanodet(family: Family, labels: int) -> nn.Layer:
    """The whole detector for so many labels."""
    body = family.backbone()
    return Detector(body, nn.Identity(), Scores(len(body.lateral), labels))


def nanodet(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The detector of the size of `arrays`; without head.*, its backbone."""
    if "head.labels.0.bias" not in arrays:
        return BackboneLevels(family.backbone())
    return new_nanodet(family, len(arrays["head.labels.0.bias"]))
