"""The space of architectures as dimensions, all categorical, so that every controller searches it:
three motifs, one cell, the network. About 10^17 sets, many of which are equal networks."""

from collections.abc import Mapping
from typing import Any

from stages.models.genotype import (
    ADD,
    CELL_EDGES,
    CONCAT,
    DOWNS,
    MOTIF_EDGES,
    NONE,
    OPERATIONS,
    SKIP,
    Genotype,
    canonical,
)
from stages.train.search.search_space import Categorical

MOTIFS = 3
WIDTHS = ((8, 12, 16, 24, 32), (12, 16, 24, 32, 48), (16, 24, 32, 48, 64))
STEMS, REPEATS = (8, 12, 16), (1, 2, 3)


def architecture_space() -> tuple[Categorical, ...]:
    """The dimensions; the name of each begins with its level."""
    motif_edges, cell_edges = range(len(MOTIF_EDGES)), range(len(CELL_EDGES))
    numbers = tuple(str(number) for number in range(1, MOTIFS + 1))
    motifs = [
        Categorical(f"motif.{number}.{edge}", OPERATIONS)
        for number in numbers
        for edge in motif_edges
    ]
    cell = [Categorical(f"cell.{edge}", (NONE, SKIP, *numbers)) for edge in cell_edges]
    stages = range(len(WIDTHS))
    network = [
        Categorical("network.stem", STEMS),
        *(Categorical(f"network.width.{stage}", WIDTHS[stage]) for stage in stages),
        *(Categorical(f"network.repeats.{stage}", REPEATS) for stage in stages),
        Categorical("network.down", DOWNS),
        Categorical("network.residual", (True, False)),
    ]
    return (*motifs, *cell, Categorical("cell.merge", (ADD, CONCAT)), *network)


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
