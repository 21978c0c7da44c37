"""A backbone in two: a frozen front, whose maps are made once, and a tail that is taught.

A backbone that can be cut has `parts()`: layers whose composition is its `forward`. A cut is how
many of them are the front; parameters keep the names that they have in the backbone."""

from collections.abc import Mapping, Sequence
from typing import Any

from paddle import Tensor, nn

from stages.models.family import Family
from stages.models.network import fill
from stages.models.weights import Array


class Part(nn.Layer):  # type: ignore[misc]
    """Some parts of a backbone, one after the other."""

    def __init__(self, layers: Sequence[nn.Layer]) -> None:
        super().__init__()
        self.layers = nn.LayerList(layers)

    def forward(self, window: Tensor) -> Tensor:
        for layer in self.layers:
            window = layer(window)
        return window


def front(family: Family, arrays: Mapping[str, Array], cut: int) -> Part:
    """The first `cut` parts of the backbone with its weights `arrays` (named as in `backbone()`):
    windows (N, ...) to a map."""
    return Part(_filled(family, arrays).parts()[:cut])


def tail(family: Family, arrays: Mapping[str, Array], cut: int) -> tuple[Any, Part]:
    """The whole backbone with its weights (random ones if there are none), and what of it is behind
    `cut`: a map to (N, features). What the tail is taught is seen in the backbone's
    `state_dict()`."""
    backbone = _filled(family, arrays)
    return backbone, Part(backbone.parts()[cut:])


def _filled(family: Family, arrays: Mapping[str, Array]) -> Any:
    backbone = family.backbone()
    if arrays:
        fill(backbone, arrays)
    backbone.eval()
    return backbone
