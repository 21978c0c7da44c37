"""The search space as dimensions, and the sets of hyperparameters that a search begins with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.config import TrainConfig
from stages.config.train import Range
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError

DIGITS = 4  # of a searched number: enough, and the same when it is written and read again
BEGIN = {"learning_rate": 1e-3, "weight_decay": 0.1, "batch_size": 32}


@dataclass(frozen=True)
class Choice:
    """One of `values`."""

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Number:
    """A number between `low` and `high`, even on a logarithmic scale if `log`."""

    name: str
    low: float
    high: float
    log: bool

    def rounded(self, value: float) -> float:
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)


Dimension = Choice | Number


@dataclass(frozen=True)
class Input:
    """A family at a size; one pass over all samples makes what it is taught with."""

    family: str
    size: int

    @property
    def name(self) -> str:
        return f"{self.family}@{self.size}"


def inputs_of(train: TrainConfig) -> tuple[Input, ...]:
    """All families at all sizes; `train.input_sizes` are of pictures, so a family for sounds has
    its own. Raises ConfigError for a size that a family cannot take."""
    found = []
    for name in dict.fromkeys(train.families):
        family = FAMILIES[name]
        sizes = train.input_sizes if family.takes == "pictures" else ()
        for size in dict.fromkeys(sizes or (family.size,)):
            if size % family.multiple or size <= 0:
                raise ConfigError(
                    f"{name} takes no pictures of {size} pixels.",
                    f"Give train.input_sizes as multiples of {family.multiple}.",
                )
            found.append(Input(name, size))
    return tuple(found)


def learner_of(train: TrainConfig) -> Callable[[Mapping[str, Any]], str]:
    """What tells of hyperparameters how their network learns: a head on a frozen trunk, or all of
    it from scratch."""
    frozen = {one.name: FAMILIES[one.family].frozen for one in inputs_of(train)}
    return lambda hyperparameters: "head" if frozen[hyperparameters["input"]] else "scratch"


def dimensions(train: TrainConfig) -> tuple[Dimension, ...]:
    """What the trials of `train` vary in."""
    space = train.space
    return (
        Choice("input", tuple(one.name for one in inputs_of(train))),
        Choice("head", space.head),
        _number("learning_rate", space.learning_rate),
        _number("weight_decay", space.weight_decay),
        Choice("batch_size", space.batch_size),
        Choice("class_balance", space.class_balance),
    )


def starts(space: Sequence[Dimension], begin: Mapping[str, float] = BEGIN) -> list[dict[str, Any]]:
    """One plain set for each input: what `begin` says, else the first choices and lowest numbers.
    They are tried before all others."""
    plain = {one.name: _plain(one, begin) for one in space}
    first = space[0]
    assert isinstance(first, Choice)  # noqa: S101
    return [{**plain, first.name: value} for value in first.values]


def _plain(dimension: Dimension, begin: Mapping[str, float]) -> Any:
    wanted = begin.get(dimension.name)
    if isinstance(dimension, Choice):
        return wanted if wanted in dimension.values else dimension.values[0]
    return dimension.rounded(wanted or dimension.low)


def _number(name: str, span: Range) -> Number:
    return Number(name, span.low, span.high, span.log)
