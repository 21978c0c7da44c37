"""Architectures made by hand, which every search has to beat: plain convolutions, as those of
small_image.py, and depthwise-separable ones (Howard et al., MobileNets, arXiv 1704.04861)."""

from collections.abc import Mapping
from typing import Any

from stages.models.genotype import ADD, NONE, Genotype
from stages.train.architecture.counted_limits import CountedLimits

CELL = (NONE, NONE, "1", NONE, NONE, NONE)  # one motif
REPEATS = (1, 1, 1)
OPERATIONS = {"plain": "conv3", "separable": "sep3"}  # also how a stage halves the sides
WIDTHS = (16, 32, 48)
FACTORS = (4.0, 3.0, 2.5, 2.0, 1.5, 1.25, 1.0, 0.75, 0.5, 0.375, 0.25)  # of all widths
FEW = 3  # of the widest that keep the limits: narrower ones have no chance


def hand_designs(name: str, limits: CountedLimits) -> list[Genotype]:
    """The widest networks of the design `name` that keep `limits`, the widest first; none if none
    does."""
    every = [_design(OPERATIONS[name], factor) for factor in FACTORS]
    return [genotype for genotype in every if limits.allow(genotype)][:FEW]


def moderate_design(name: str, limits: CountedLimits) -> Genotype | None:
    """The widest network of the design `name` that is no wider than WIDTHS and keeps `limits`; None
    if none does."""
    every = (_design(OPERATIONS[name], factor) for factor in FACTORS if factor <= 1)
    return next((genotype for genotype in every if limits.allow(genotype)), None)


def _design(operation: str, factor: float) -> Genotype:
    first, second, third = (round(width * factor) for width in WIDTHS)
    return Genotype(
        stem=first,
        widths=(first, second, third),
        repeats=REPEATS,
        down=operation,
        residual=False,
        merge=ADD,
        cell=CELL,
        motifs=(_motif(operation),),
    )


def likeness(choices: Mapping[str, Any]) -> int:
    """How many of `choices`, a set of architecture_space, are those of the hand design that is most
    like them. Widths do not count: a hand design has any."""
    designs = (_choices_of(operation) for operation in OPERATIONS.values())
    return max(len(choices.items() & each.items()) for each in designs)


def _choices_of(operation: str) -> dict[str, Any]:
    """The choices that make up the hand design of `operation`, apart from widths."""
    return {
        **{f"motif.1.{edge}": value for edge, value in enumerate(_motif(operation))},
        **{f"cell.{edge}": value for edge, value in enumerate(CELL)},
        **{f"network.repeats.{stage}": value for stage, value in enumerate(REPEATS)},
        "cell.merge": ADD,
        "network.down": operation,
        "network.residual": False,
    }


def _motif(operation: str) -> tuple[str, str, str]:
    return (NONE, operation, NONE)
