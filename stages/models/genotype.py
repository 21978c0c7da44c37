"""A genotype: the architecture of a small network from scratch, as data, in three levels. Counts
its parameters and multiply-accumulates (MACs) in closed form, before any network is built.

Motif: three nodes, an operation on each of the edges MOTIF_EDGES. Cell: four nodes, a motif (its
number from 1), `skip` or `none` on each of CELL_EDGES. A node is the sum of what its edges bring,
or a 1x1 convolution of their concatenation (`merge`). Network: a stem that halves the sides, then
three stages of repeated cells, the second and third of which halve them once more.

Liu et al., Hierarchical Representations for Efficient Architecture Search, arXiv 1711.00436."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stages.runtime.errors import ConfigError

MOTIF_EDGES = ((0, 1), (0, 2), (1, 2))
CELL_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
NONE, SKIP, ADD, CONCAT = "none", "skip", "add", "concat"
OPERATIONS = (NONE, SKIP, "pw", "dw3", "sep3", "sep5", "dil3", "max3", "avg3", "conv3")
DOWNS = ("conv3", "sep3", "max2")  # how a stage halves the sides: the last, by pooling and then pw
STEM_STRIDE, STAGE_STRIDES = 2, (1, 2, 2)
POOLINGS = ("max3", "avg3")
DEPTHWISE = {"dw3": 3, "sep3": 3, "sep5": 5, "dil3": 3}  # operation -> side of its kernel
EVERY_OPERATION = (  # the text of a genotype that has each of them
    "stem 8, widths 12 16 24, repeats 1 2 1, down max2, residual, concat; cell 1 skip 2 2 3 1; "
    "motif sep5 dil3 avg3; motif conv3 pw max3; motif sep3 skip dw3"
)
FORM = re.compile(
    r"stem (\d+), widths (\d+ \d+ \d+), repeats (\d+ \d+ \d+), down (\w+)(, residual)?, (\w+); "
    r"cell ([\w ]+)((?:; motif [\w ]+)*)"
)
Edges = tuple[tuple[int, int], ...]


class Genotype(NamedTuple):
    """An architecture. `stem`, `widths`: channels; `repeats`: cells of each stage; `cell`: for each
    of CELL_EDGES `none`, `skip` or the number of a motif; `motifs`: for each of MOTIF_EDGES one of
    OPERATIONS."""

    stem: int
    widths: tuple[int, int, int]
    repeats: tuple[int, int, int]
    down: str
    residual: bool
    merge: str
    cell: tuple[str, ...]
    motifs: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        """The genotype as one line, which `parse` reads."""
        parts = [f"stem {self.stem}", f"widths {_joined(self.widths)}"]
        parts += [f"repeats {_joined(self.repeats)}", f"down {self.down}"]
        parts += ["residual"] * self.residual + [self.merge]
        motifs = [f"motif {_joined(motif)}" for motif in self.motifs]
        return "; ".join([", ".join(parts), f"cell {_joined(self.cell)}", *motifs])


class Convolution(NamedTuple):
    """A convolution of a built network, with the batch norm that follows it: `narrow` to `wide`
    channels in `groups`, a `kernel` a side, over `places` positions of its output; `norms`: the
    number of batch norms, 0 where several convolutions share one."""

    narrow: int
    wide: int
    kernel: int
    groups: int
    places: int
    norms: int = 1

    @property
    def weights(self) -> int:
        """The number of its weights."""
        return self.wide * (self.narrow // self.groups) * self.kernel**2

    @property
    def parameters(self) -> int:
        """Its weights, and scale and shift of its batch norm."""
        return self.weights + 2 * self.norms * self.wide


def parse(text: str) -> Genotype:
    """The genotype of `text`. Raises ConfigError if it is none."""
    found = FORM.fullmatch(text)
    if not found:
        raise ConfigError(f"'{text}' is no architecture.", "Copy it from a Model's record.")
    stem, widths, repeats, down, residual, merge, cell, motifs = found.groups()
    genotype = Genotype(
        stem=int(stem),
        widths=_three(widths),
        repeats=_three(repeats),
        down=down,
        residual=bool(residual),
        merge=merge,
        cell=tuple(cell.split()),
        motifs=tuple(tuple(each.split()) for each in motifs.split("; motif ")[1:]),
    )
    allowed = {NONE, SKIP, *(str(number + 1) for number in range(len(genotype.motifs)))}
    fits = (
        len(genotype.cell) == len(CELL_EDGES)
        and allowed >= set(genotype.cell)
        and all(len(motif) == len(MOTIF_EDGES) for motif in genotype.motifs)
        and all(operation in OPERATIONS for motif in genotype.motifs for operation in motif)
        and down in DOWNS
        and merge in (ADD, CONCAT)
        and min(genotype.stem, *genotype.widths, *genotype.repeats) > 0
    )
    if not fits:
        raise ConfigError(f"'{text}' is no architecture.", "Copy it from a Model's record.")
    return genotype


def canonical(genotype: Genotype) -> Genotype:
    """`genotype` without what changes nothing: edges on no path, motifs that are not used or change
    nothing; motifs in the order of their first use. Equal networks mostly have equal ones."""
    motifs = [pruned(motif, MOTIF_EDGES) for motif in genotype.motifs]
    identity = {str(n) for n, motif in enumerate(motifs, 1) if _changes_nothing(motif)}
    cell = pruned([SKIP if edge in identity else edge for edge in genotype.cell], CELL_EDGES)
    used = list(dict.fromkeys(edge for edge in cell if edge.isdigit()))
    renumbered = {edge: str(number) for number, edge in enumerate(used, 1)}
    return genotype._replace(
        cell=tuple(renumbered.get(edge, edge) for edge in cell),
        motifs=tuple(motifs[int(edge) - 1] for edge in used),
        merge=genotype.merge if _merges(cell) else ADD,
        residual=genotype.residual and bool(used),
    )


def pruned(values: Sequence[str], edges: Edges) -> tuple[str, ...]:
    """`values` of `edges` with `none` for all that are on no path from the first node to the last
    one; a graph without a path is a skip from the first to the last."""
    last = edges[-1][1]
    present = [edge for edge, value in zip(edges, values, strict=True) if value != NONE]
    reached, reaching = {0}, {last}
    for begin, end in present:  # edges are sorted by their begin, so one pass is enough
        reached |= {end} if begin in reached else set()
    for begin, end in sorted(present, key=lambda edge: -edge[1]):
        reaching |= {begin} if end in reaching else set()
    if last not in reached:
        return tuple(SKIP if edge == (0, last) else NONE for edge in edges)
    return tuple(
        value if begin in reached and end in reaching else NONE
        for (begin, end), value in zip(edges, values, strict=True)
    )


def convolutions(genotype: Genotype, channels: int, height: int, width: int) -> list[Convolution]:
    """All convolutions of the canonical `genotype` for a window [channels, height, width]."""
    stem_places = _halved(height) * _halved(width)
    found = [Convolution(channels, genotype.stem, 3, 1, stem_places)]
    for narrow, wide, repeats, stride, places in _stages(genotype, height, width):
        found += _transition(genotype.down, narrow, wide, stride, places)
        found += repeats * _cell(genotype, wide, places)
    return found


def pooled_values(genotype: Genotype, height: int, width: int) -> int:
    """The values, channels times positions, that all poolings of the canonical `genotype` give for
    a window of [height, width], the one over all positions at its end aside."""
    operations = [
        operation
        for edge in genotype.cell
        if edge.isdigit()
        for operation in genotype.motifs[int(edge) - 1]
    ]
    of_cell, total = sum(operation in POOLINGS for operation in operations), 0
    for narrow, wide, repeats, stride, places in _stages(genotype, height, width):
        total += repeats * of_cell * wide * places
        total += narrow * places if stride == 2 and genotype.down == "max2" else 0
    return total


def parameters_of(genotype: Genotype, channels: int, labels: int, folds: int = 1) -> int:
    """The trained parameters of `folds` networks for windows of so many `channels`, each with a
    linear head for so many `labels`; the heads of several folds share their offsets."""
    own = sum(each.parameters for each in convolutions(genotype, channels, 8, 8))
    return folds * (own + genotype.widths[-1] * labels) + labels


def macs_of(genotype: Genotype, shape: Sequence[int], labels: int, folds: int = 1) -> int:
    """The multiply-accumulates of `folds` networks for one window of `shape`, [channels, height,
    width]: those of convolutions and heads."""
    own = sum(each.weights * each.places for each in convolutions(genotype, *shape))
    return folds * (own + genotype.widths[-1] * labels)


def _stages(
    genotype: Genotype, height: int, width: int
) -> Iterator[tuple[int, int, int, int, int]]:
    """For each stage its channels before and after the transition, the number of its cells, its
    stride, and the positions of its maps."""
    height, width, narrow = _halved(height), _halved(width), genotype.stem
    for wide, repeats, stride in zip(genotype.widths, genotype.repeats, STAGE_STRIDES, strict=True):
        if stride == 2:
            height, width = _halved(height), _halved(width)
        yield narrow, wide, repeats, stride, height * width
        narrow = wide


def _cell(genotype: Genotype, wide: int, places: int) -> list[Convolution]:
    found = []
    for node in range(1, CELL_EDGES[-1][1] + 1):
        edges = incoming(genotype.cell, CELL_EDGES, node)
        for _, value in edges:
            if value != SKIP:
                found += _motif(genotype.motifs[int(value) - 1], wide, places)
        if genotype.merge == CONCAT and len(edges) > 1:
            found += [Convolution(wide, wide, 1, 1, places, norms=0)] * (len(edges) - 1)
            found.append(Convolution(wide, wide, 1, 1, places))
    return found


def _motif(motif: Sequence[str], wide: int, places: int) -> list[Convolution]:
    found = []
    for operation in motif:
        if kernel := DEPTHWISE.get(operation):
            found.append(Convolution(wide, wide, kernel, wide, places))
        if operation == "conv3":
            found.append(Convolution(wide, wide, 3, 1, places))
        if operation in ("pw", "sep3", "sep5", "dil3"):
            found.append(Convolution(wide, wide, 1, 1, places))
    return found


def _transition(down: str, narrow: int, wide: int, stride: int, places: int) -> list[Convolution]:
    if stride == 1:
        return [Convolution(narrow, wide, 1, 1, places)] if narrow != wide else []
    if down == "conv3":
        return [Convolution(narrow, wide, 3, 1, places)]
    first = [Convolution(narrow, narrow, 3, narrow, places)] if down == "sep3" else []
    return [*first, Convolution(narrow, wide, 1, 1, places)]


def incoming(values: Sequence[str], edges: Edges, node: int) -> list[tuple[int, str]]:
    """The edges into `node` that are not `none`: the node that each comes from, and its value."""
    return [
        (begin, value)
        for (begin, end), value in zip(edges, values, strict=True)
        if end == node and value != NONE
    ]


def _changes_nothing(motif: Sequence[str]) -> bool:
    """Whether `motif`, pruned, is one path of skips."""
    taken = [operation for operation in motif if operation != NONE]
    return set(taken) == {SKIP} and len(taken) != len(MOTIF_EDGES)


def _merges(cell: Sequence[str]) -> bool:
    """Whether a node of `cell` has more than one edge."""
    return any(len(incoming(cell, CELL_EDGES, node)) > 1 for node in range(1, 4))


def _halved(side: int) -> int:
    return -(-side // 2)


def _joined(values: Sequence[object]) -> str:
    return " ".join(map(str, values))


def _three(text: str) -> tuple[int, int, int]:
    first, second, third = map(int, text.split())
    return first, second, third
