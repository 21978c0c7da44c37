"""Splits a backbone into a frozen stem and unfrozen layers.

The stem's feature maps are computed once and cached; the unfrozen layers are fine-tuned on them. A
backbone that can be split has `parts()`: layers whose composition is its `forward`. A split point
is the number of parts in the stem. Parameters keep the names that they have in the backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from stages.models.channel_widths import narrow
from stages.models.family import Family
from stages.models.network import fill
from stages.models.weights import Array


class BackbonePart(nn.Layer):  # type: ignore[misc]
    """Consecutive parts of a backbone, applied in order."""

    def __init__(self, layers: Sequence[nn.Layer]) -> None:
        super().__init__()
        self.layers = nn.LayerList(layers)

    def forward(self, window: Tensor) -> Tensor:
        for layer in self.layers:
            window = layer(window)
        return window


def frozen_stem(family: Family, arrays: Mapping[str, Array], split_point: int) -> BackbonePart:
    """The first `split_point` parts of the backbone of `family`: windows (N, ...) to a feature map.

    `arrays`: the backbone's weights, named as in `Family.backbone()`."""
    return BackbonePart(_filled(family, arrays).parts()[:split_point])


def unfrozen_layers(
    family: Family, arrays: Mapping[str, Array], split_point: int, narrowed: bool = False
) -> tuple[Any, BackbonePart]:
    """The whole backbone and the layers behind `split_point`, which map the stem's feature map to
    (N, features). A network from scratch has one part.

    `arrays`: the backbone's weights; random ones if empty, which a network from scratch, whose size
    they say, does not allow; `narrowed`: they are of a pruned one, with fewer channels.
    Both returned layers share parameters: what is trained in the second shows in the backbone's
    `state_dict()`."""
    backbone = _filled(family, arrays, narrowed)
    parts = [backbone] if family.from_scratch else backbone.parts()
    return backbone, BackbonePart(parts[split_point:])


def _filled(family: Family, arrays: Mapping[str, Array], narrowed: bool = False) -> Any:
    backbone = family.backbone_of(arrays)
    if narrowed:
        narrow(backbone, arrays)
    if arrays:
        fill(backbone, arrays)
    backbone.eval()
    return backbone
