"""The space of architectures as dimensions, all categorical, so that every controller searches it:
three motifs, one cell, the network. About 10^17 sets, many of which are equal networks; a pipeline
may allow fewer (`train.search_space.architecture`)."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from stages.config.search_space import ArchitectureSpace
from stages.models.genotype import (
    CELL_EDGES,
    MOTIF_EDGES,
    NONE,
    Edges,
    Genotype,
    canonical,
)
from stages.train.search.search_space import Categorical

MOTIFS = 3
MOTIF = "motif"  # in ArchitectureSpace.edges: any of them
ALL = ArchitectureSpace()


def architecture_space(allowed: ArchitectureSpace = ALL) -> tuple[Categorical, ...]:
    """The dimensions of the architectures that are `allowed`; the name of each begins with its
    level."""
    motif_edges, cell_edges = range(len(MOTIF_EDGES)), range(len(CELL_EDGES))
    numbers = tuple(str(number) for number in range(1, MOTIFS + 1))
    motifs = [
        Categorical(f"motif.{number}.{edge}", allowed.operations)
        for number in numbers
        for edge in motif_edges
    ]
    values = tuple(
        value for edge in allowed.edges for value in (numbers if edge == MOTIF else (edge,))
    )
    cell = [Categorical(f"cell.{edge}", values) for edge in cell_edges]
    widths = (allowed.first_widths, allowed.second_widths, allowed.third_widths)
    network = [
        Categorical("network.stem", allowed.stems),
        *(Categorical(f"network.width.{stage}", each) for stage, each in enumerate(widths)),
        *(Categorical(f"network.repeats.{stage}", allowed.repeats) for stage in range(len(widths))),
        Categorical("network.down", allowed.downs),
        Categorical("network.residual", allowed.residual),
    ]
    return (*motifs, *cell, Categorical("cell.merge", allowed.merges), *network)


def smallest_networks(allowed: ArchitectureSpace) -> list[Genotype]:
    """Networks of which one is the smallest that is `allowed`: the narrowest with the fewest
    cells, each with one operation throughout, on all edges or on as few as possible."""
    widths = (allowed.first_widths, allowed.second_widths, allowed.third_widths)
    found = [
        Genotype(
            stem=min(allowed.stems),
            widths=(min(widths[0]), min(widths[1]), min(widths[2])),
            repeats=(min(allowed.repeats),) * 3,
            down=down,
            residual=residual,
            merge=merge,
            cell=cell,
            motifs=(motif,),
        )
        for down, residual, merge, edge, operation in product(
            allowed.downs, allowed.residual, allowed.merges, allowed.edges, allowed.operations
        )
        for cell in _fillings("1" if edge == MOTIF else edge, CELL_EDGES, allowed.edges)
        for motif in _fillings(operation, MOTIF_EDGES, allowed.operations)
    ]
    return list(dict.fromkeys(map(canonical, found)))


def _fillings(value: str, edges: Edges, allowed: Sequence[str]) -> list[tuple[str, ...]]:
    """`value` on all of `edges`; and, if an edge may be missing, on the direct one alone."""
    last = edges[-1][1]
    alone = tuple(value if edge == (0, last) else NONE for edge in edges)
    return [(value,) * len(edges), *([alone] if NONE in allowed else [])]


def genotype_of(choices: Mapping[str, Any]) -> Genotype:
    """The canonical genotype of a set of choices."""

    def values(prefix: str) -> tuple[Any, ...]:
        return tuple(value for name, value in choices.items() if name.startswith(prefix))

    genotype = Genotype(
        stem=choices["network.stem"],
        widths=values("network.width."),
        repeats=values("network.repeats."),
        down=choices["network.down"],
        residual=choices["network.residual"],
        merge=choices["cell.merge"],
        cell=tuple(choices[f"cell.{edge}"] for edge in range(len(CELL_EDGES))),
        motifs=tuple(values(f"motif.{number}.") for number in range(1, MOTIFS + 1)),
    )
    return canonical(genotype)
