"""The layers in Paddle of networks whose architecture a genotype gives: those of all folds side by
side, as in fold_networks.py.

A concatenation followed by a 1x1 convolution is built as the sum of a 1x1 convolution of each part,
which is the same, and keeps the folds' channels apart."""

from collections.abc import Mapping, Sequence

import numpy as np
import paddle
from paddle import Tensor, nn

from stages.models.family import Family
from stages.models.fold_networks import HIDDEN, FoldNetworks
from stages.models.genotype import (
    CELL_EDGES,
    CONCAT,
    DEPTHWISE,
    MOTIF_EDGES,
    SKIP,
    STAGE_STRIDES,
    STEM_STRIDE,
    Edges,
    Genotype,
    incoming,
    parse,
)
from stages.models.network import Classifier, head_of
from stages.models.small_audio_layers import SmallAudio
from stages.models.small_image_layers import SmallImage
from stages.models.weights import Array

DILATION = 2  # of the operation dil3


class Convolved(nn.Layer):  # type: ignore[misc]
    """Convolution, batch norm, and a ReLU unless not `activated`."""

    def __init__(
        self,
        narrow: int,
        wide: int,
        kernel: int,
        groups: int,
        stride: int = 1,
        dilation: int = 1,
        activated: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2D(
            narrow,
            wide,
            kernel,
            stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            groups=groups,
            bias_attr=False,
        )
        self.norm = nn.BatchNorm2D(wide, momentum=0.9)
        self.activation = nn.ReLU() if activated else nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.norm(self.convolution(inputs)))


class Projection(nn.Layer):  # type: ignore[misc]
    """A 1x1 convolution of the concatenation of `parts` maps, as a sum; batch norm, ReLU."""

    def __init__(self, parts: int, wide: int, folds: int) -> None:
        super().__init__()
        self.convolutions = nn.LayerList(
            [nn.Conv2D(wide, wide, 1, groups=folds, bias_attr=False) for _ in range(parts)]
        )
        self.norm = nn.BatchNorm2D(wide, momentum=0.9)
        self.activation = nn.ReLU()

    def forward(self, parts: Sequence[Tensor]) -> Tensor:
        convolved = [self.convolutions[place](part) for place, part in enumerate(parts)]
        return self.activation(self.norm(_sum(convolved)))


class Graph(nn.Layer):  # type: ignore[misc]
    """A motif or a cell: a layer on each of its edges, nodes that merge what their edges bring.
    `layers`: for each edge of `edges` its layer, None where there is none; `projections`: by node,
    for nodes that do not add."""

    def __init__(
        self,
        edges: Edges,
        layers: Sequence[nn.Layer | None],
        projections: Mapping[int, nn.Layer] | None = None,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.residual = residual
        self.layers = nn.LayerList([layer for layer in layers if layer])
        self.projections = nn.LayerDict({str(n): each for n, each in (projections or {}).items()})
        present = [edge for edge, layer in zip(edges, layers, strict=True) if layer]
        ends = sorted({end for _, end in present})
        # for each node that has edges: its number, where they begin and the places of their layers
        self.nodes = [
            (node, [(begin, place) for place, (begin, end) in enumerate(present) if end == node])
            for node in ends
        ]

    def forward(self, inputs: Tensor) -> Tensor:
        values = {0: inputs}
        last = inputs
        for node, sources in self.nodes:
            brought = [self.layers[place](values[begin]) for begin, place in sources]
            last = self._merged(str(node), brought)
            values[node] = last
        return last + inputs if self.residual else last

    def _merged(self, node: str, brought: list[Tensor]) -> Tensor:
        return self.projections[node](brought) if node in self.projections else _sum(brought)


class SearchedNetworks(FoldNetworks):
    """Networks of one `genotype`, the text of genotype.py, which stands among their weights as the
    codes of its characters."""

    def build_units(self, genotype: str) -> tuple[nn.LayerList, int]:  # type: ignore[override]
        """The stem, and the transition and cells of each stage; the channels of a fold."""
        codes = np.frombuffer(genotype.encode(), np.uint8).astype(np.float32)
        self.register_buffer("genotype", paddle.to_tensor(codes))
        plan, folds = parse(genotype), self.folds
        first = folds if self.apart else 1
        units = [Convolved(self.channels * first, plan.stem * folds, 3, first, STEM_STRIDE)]
        narrow = plan.stem
        for wide, repeats, stride in zip(plan.widths, plan.repeats, STAGE_STRIDES, strict=True):
            units += _transition(plan.down, narrow, wide, stride, folds)
            units += [_cell(plan, wide, folds) for _ in range(repeats)]
            narrow = wide
        return nn.LayerList(units), narrow


class SearchedImage(SearchedNetworks, SmallImage):
    """Pictures, standardised and pooled as those of the small image network."""


class SearchedAudio(SearchedNetworks, SmallAudio):
    """Spectrograms, standardised and pooled as those of the small audio network."""


def network(family: Family, arrays: Mapping[str, Array]) -> nn.Layer:
    """The networks of `family` with the weights `arrays`, and the mean of their logits as a head:
    (N, channels, height, width) to (N, labels)."""
    genotype = bytes(arrays["backbone.genotype"].astype(np.uint8)).decode()
    hidden = "backbone.hidden.weight" in arrays
    features = HIDDEN if hidden else parse(genotype).widths[-1]
    folds = arrays["head.out.weight"].shape[0] // features
    channels = arrays["backbone.units.0.convolution.weight"].shape[1]
    shape = (channels, *arrays["backbone.mean"].shape[2:])
    backbone = family.fold_networks(folds, shape, hidden, genotype=genotype)
    return Classifier(backbone, head_of(arrays))


def _cell(plan: Genotype, wide: int, folds: int) -> Graph:
    layers = [_cell_edge(plan, value, wide, folds) for value in plan.cell]
    counts = {node: len(incoming(plan.cell, CELL_EDGES, node)) for node in range(1, 4)}
    projections = {
        node: Projection(count, wide * folds, folds)
        for node, count in counts.items()
        if plan.merge == CONCAT and count > 1
    }
    return Graph(CELL_EDGES, layers, projections, plan.residual)


def _cell_edge(plan: Genotype, value: str, wide: int, folds: int) -> nn.Layer | None:
    if not value.isdigit():
        return nn.Identity() if value == SKIP else None
    layers = [_operation(name, wide, folds) for name in plan.motifs[int(value) - 1]]
    return Graph(MOTIF_EDGES, layers)


def _operation(name: str, wide: int, folds: int) -> nn.Layer | None:
    """The layer of an operation of genotype.py, on `folds` times `wide` channels."""
    channels = wide * folds
    if kernel := DEPTHWISE.get(name):
        dilation = DILATION if name == "dil3" else 1
        depthwise = Convolved(channels, channels, kernel, channels, 1, dilation, name == "dw3")
        return (
            depthwise if name == "dw3" else nn.Sequential(depthwise, _pointwise(wide, wide, folds))
        )
    layers = {
        "skip": nn.Identity,
        "pw": lambda: _pointwise(wide, wide, folds),
        "conv3": lambda: Convolved(channels, channels, 3, folds),
        "max3": lambda: nn.MaxPool2D(3, 1, 1),
        "avg3": lambda: nn.AvgPool2D(3, 1, 1),
    }
    return layers[name]() if name in layers else None


def _pointwise(narrow: int, wide: int, folds: int) -> Convolved:
    return Convolved(narrow * folds, wide * folds, 1, folds)


def _transition(down: str, narrow: int, wide: int, stride: int, folds: int) -> list[nn.Layer]:
    if stride == 1:
        return [_pointwise(narrow, wide, folds)] if narrow != wide else []
    if down == "conv3":
        return [Convolved(narrow * folds, wide * folds, 3, folds, stride)]
    first = (
        Convolved(narrow * folds, narrow * folds, 3, narrow * folds, stride, activated=False)
        if down == "sep3"
        else nn.MaxPool2D(2, stride, ceil_mode=True)
    )
    return [first, _pointwise(narrow, wide, folds)]


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
