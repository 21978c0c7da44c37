"""A detector with prior boxes: each place on a feature map predicts a few boxes of given sizes.

Liu et al., SSD, arXiv 1512.02325, with the depthwise-separable heads of SSDLite (Sandler et al.,
MobileNetV2, arXiv 1801.04381)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import paddle
from paddle import Tensor, nn

from stages.models.depthwise import Depthwise
from stages.models.detector_layers import BackboneLevels, Detector
from stages.models.efficientnet_lite_layers import Unit, stages
from stages.models.family import Family
from stages.models.weights import Array

BACKBONE_STRIDES = (8, 16)
WIDTH = 192  # channels of the maps behind the backbone
EXTRA = 2  # such maps, each half as large as the one before
PRIORS = 4  # at each place: two squares, one wide, one tall


class Shrink(nn.Layer):  # type: ignore[misc]
    """A depthwise-separable convolution that halves the feature map."""

    def __init__(self, narrow: int, wide: int) -> None:
        super().__init__()
        self.depthwise = Depthwise(narrow, 3, 2, [1, 1, 1, 1])
        self.norm = nn.BatchNorm2D(narrow)
        self.activation = nn.ReLU6()
        self.project = Unit(narrow, wide, 1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.project(self.activation(self.norm(self.depthwise(picture))))


class Extra(nn.Layer):  # type: ignore[misc]
    """The backbone's last feature map, and EXTRA smaller ones."""

    def __init__(self, narrow: int) -> None:
        super().__init__()
        widths = [narrow, *[WIDTH] * EXTRA]
        self.shrink = nn.LayerList([Shrink(*pair) for pair in pairwise(widths)])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        levels = [features[-1]]
        for shrink in self.shrink:
            levels.append(shrink(levels[-1]))
        return levels


class PriorHead(nn.Layer):  # type: ignore[misc]
    """Feature maps to logits (N, P, 1 + labels), background first, and offsets (N, P, 4); P: all
    priors, map after map, row by row, place by place."""

    def __init__(self, channels: Sequence[int], labels: int) -> None:
        super().__init__()
        self.filters = nn.LayerList(
            [Unit(channels, channels, 3, groups=channels) for channels in channels]
        )
        self.labels = nn.LayerList(
            [nn.Conv2D(channels, PRIORS * (1 + labels), 1) for channels in channels]
        )
        self.offsets = nn.LayerList([nn.Conv2D(channels, PRIORS * 4, 1) for channels in channels])

    def forward(self, features: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        filtered = [layer(level) for layer, level in zip(self.filters, features)]  # noqa: B905
        return _joined(self.labels, filtered), _joined(self.offsets, filtered)


def backbone(_family: str) -> nn.Layer:
    """New stages of EfficientNet-Lite0 up to stride 16, with random weights."""
    return stages("efficientnet_lite0", BACKBONE_STRIDES)


def new_prior_detector(family: Family, labels: int) -> nn.Layer:
    """The whole detector for so many labels."""
    stem = family.backbone()
    last = stem.channels[-1]
    return Detector(stem, Extra(last), PriorHead([last, *[WIDTH] * EXTRA], labels))


def prior_detector(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The detector of the size of `arrays`; without head.*, its backbone."""
    if "head.labels.0.bias" not in arrays:
        return BackboneLevels(family.backbone())
    return new_prior_detector(family, len(arrays["head.labels.0.bias"]) // PRIORS - 1)


def _joined(layers: nn.LayerList, features: Sequence[Tensor]) -> Tensor:
    parts = []
    for layer, level in zip(layers, features):  # noqa: B905
        found = layer(level)
        width = found.shape[1] // PRIORS
        placed = found.flatten(2).transpose([0, 2, 1])
        parts.append(placed.reshape([0, -1, width]))
    return paddle.concat(parts, axis=1)
