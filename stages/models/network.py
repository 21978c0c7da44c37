"""A whole network in Paddle with given weights: as its family builds it, usually a backbone with a
head."""

from collections.abc import Mapping, Sequence

import paddle
from paddle import Tensor, nn

from stages.models.channel_widths import narrow
from stages.models.family import Family, InnerMap
from stages.models.weights import Array
from stages.parts import FAMILIES
from stages.runtime.errors import Damaged


class Head(nn.Layer):  # type: ignore[misc]
    """(N, features) to (N, labels), logits; with a hidden layer of `hidden` units and a ReLU unless
    it is 0."""

    def __init__(self, features: int, hidden: int, labels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(features, hidden) if hidden else nn.Identity()
        self.activation = nn.ReLU() if hidden else nn.Identity()
        self.out = nn.Linear(hidden or features, labels)

    def forward(self, features: Tensor) -> Tensor:
        return self.out(self.activation(self.hidden(features)))


class Classifier(nn.Layer):  # type: ignore[misc]
    """Windows, (N, ...), to (N, labels), logits. The head takes the backbone's features, and those
    of its inner `feature_maps`, in their order."""

    def __init__(
        self, backbone: nn.Layer, head: nn.Layer, feature_maps: Sequence[InnerMap] = ()
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.parts = (
            backbone.parts() if feature_maps else [backbone]
        )  # a list registers nothing twice
        self.places = [inner_map.parts - 1 for inner_map in feature_maps]

    def forward(self, window: Tensor) -> Tensor:
        outputs = []
        for part in self.parts:
            window = part(window)
            outputs.append(window)
        if not self.places:
            return self.head(window)
        inner = [statistics_of(outputs[place]) for place in self.places]
        return self.head(paddle.concat([window, *inner], axis=1))


def statistics_of(feature_map: Tensor) -> Tensor:
    """Mean, standard deviation and maximum of each channel of `feature_map` (N, C, H, W):
    (N, 3 C)."""
    mean = feature_map.mean([2, 3], keepdim=True)
    variance = ((feature_map - mean) ** 2).mean([2, 3])
    return paddle.concat([mean.flatten(1), paddle.sqrt(variance), feature_map.max([2, 3])], axis=1)


def assemble(family: str, arrays: Mapping[str, Array]) -> nn.Layer:
    """The network of `family` with the weights `arrays`, ready to predict: one output or several,
    by the family's own `network`.

    Raises Damaged if an array is missing or left over."""
    network: nn.Layer = FAMILIES[family].layer(arrays)
    fill(network, arrays)
    network.eval()
    return network


def backbone_and_head(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The backbone of `family` (backbone.*) and a head of the size of `arrays` (head.*), which says
    how many inner maps it takes statistics of; without head.* it gives the features of the last
    map. Layers are as wide as `arrays` are: a pruned network, whose head takes the features of the
    last map alone, has fewer channels."""
    first = arrays.get("head.hidden.weight", arrays.get("head.out.weight"))
    backbone = family.backbone()
    if first is None or narrow(backbone, arrays, "backbone."):
        return Classifier(backbone, head_of(arrays))
    return Classifier(backbone, head_of(arrays), family.feature_maps_of(first.shape[0]))


def with_feature_maps(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The backbone of `family` with the weights `arrays` (backbone.*), ready to predict: windows,
    (N, ...), to the features of its last map and all its `feature_maps`, (N, features).

    Raises Damaged if an array is missing or left over."""
    network = Classifier(family.backbone(), nn.Identity(), family.feature_maps)
    fill(network, arrays)
    network.eval()
    return network


def fill(layer: nn.Layer, arrays: Mapping[str, Array]) -> None:
    """Give `layer` its weights by name. Raises Damaged if one is missing, left over or of another
    shape."""
    places = layer.state_dict()
    wrong = sorted(set(places) ^ set(arrays)) or [
        name for name, place in places.items() if tuple(place.shape) != arrays[name].shape
    ]
    if wrong:
        raise Damaged(
            f"{len(wrong)} weights do not fit the network, {wrong[0]} first.",
            "Train the model again with this version.",
        )
    for name, place in places.items():
        place.set_value(paddle.to_tensor(arrays[name]))


def head_of(arrays: Mapping[str, Array]) -> nn.Layer:
    """A new head of the size of `arrays` (head.*); one that changes nothing if there are none."""
    out = arrays.get("head.out.weight")
    if out is None:
        return nn.Identity()
    first = arrays.get("head.hidden.weight", out)
    hidden = first.shape[1] if "head.hidden.weight" in arrays else 0
    return Head(first.shape[0], hidden, out.shape[1])
