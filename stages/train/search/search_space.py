"""The search space as dimensions, and the sets of hyperparameters that a search begins with.

A dimension may exist only where an earlier one has some value: a set of hyperparameters names those
that exist, and no others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any

from stages.config import TrainConfig
from stages.config.search_space import Range
from stages.models.family import Family
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError

if TYPE_CHECKING:  # planning does not import numpy
    from numpy.random import Generator

UNITS = 64  # of a hidden head, in each fold
DIGITS = 4  # of a searched number: enough, and unchanged by writing and reading
BEGIN = {"learning_rate": 1e-3, "weight_decay": 0.1, "batch_size": 32}


@dataclass(frozen=True)
class Condition:
    """True of hyperparameters in which `name`, a dimension that comes earlier, is one of
    `values`."""

    name: str
    values: tuple[Any, ...]

    def holds(self, hyperparameters: Mapping[str, Any]) -> bool:
        return hyperparameters.get(self.name) in self.values


@dataclass(frozen=True)
class Categorical:
    """One of `values`; with `when`, only under this condition."""

    name: str
    values: tuple[Any, ...]
    when: Condition | None = None

    def drawn(self, rng: "Generator") -> Any:
        """A value, all equally likely."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class Number:
    """A number between `low` and `high`, uniform on a logarithmic scale if `log`; with `when`, only
    under this condition."""

    name: str
    low: float
    high: float
    log: bool
    when: Condition | None = None

    def rounded(self, value: float) -> float:
        """`value` with DIGITS digits, within the bounds."""
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def drawn(self, rng: "Generator") -> float:
        """A value, uniform on its scale."""
        if self.log:
            return self.rounded(exp(rng.uniform(log(self.low), log(self.high))))
        return self.rounded(rng.uniform(self.low, self.high))


Dimension = Categorical | Number


def present(space: Sequence[Dimension], hyperparameters: Mapping[str, Any]) -> list[Dimension]:
    """The dimensions of `space` that exist for `hyperparameters`: their condition holds, and the
    dimension that it names exists, too."""
    there: dict[str, Dimension] = {}
    for dimension in space:
        if dimension.when is None or (
            dimension.when.name in there and dimension.when.holds(hyperparameters)
        ):
            there[dimension.name] = dimension
    return list(there.values())


def present_values(
    space: Sequence[Dimension], hyperparameters: Mapping[str, Any]
) -> dict[str, Any]:
    """`hyperparameters` without those whose dimension does not exist."""
    return {
        dimension.name: hyperparameters[dimension.name]
        for dimension in present(space, hyperparameters)
    }


@dataclass(frozen=True)
class Input:
    """A family at a size; one pass over all samples computes its features. `weights`: as in
    `train.weights`."""

    family: str
    size: int
    weights: str = ""

    @property
    def name(self) -> str:
        return f"{self.family}@{self.size}"

    @property
    def initialised_family(self) -> Family:
        """The family with the weights that it is initialised from."""
        family: Family = FAMILIES[self.family]
        return family.initialised_from(self.weights)

    @property
    def seconds(self) -> float:
        """Reference seconds for one window through the network, on one core."""
        family: Family = FAMILIES[self.family]
        return family.seconds(self.size)


def inputs_of(config: TrainConfig) -> tuple[Input, ...]:
    """All families at all sizes, without those that a device excludes. `train.input_sizes` are of
    pictures, so that a family for sounds has its own size. Without them, `train.larger` adds the
    sizes at which a family is known to be better. Raises ConfigError for a size that a family
    cannot take, and if no input is left."""
    if not config.families:
        raise ConfigError(
            "train.families is empty: which take part is known once the run is planned.",
            "Plan the pipeline, or name families.",
        )
    found = []
    for name in dict.fromkeys(config.families):
        family = FAMILIES[name]
        sizes = config.input_sizes if family.takes == "pictures" else ()
        own = (family.size, family.larger) if config.larger and family.larger else (family.size,)
        for size in dict.fromkeys(sizes or own):
            if size % family.multiple or size <= 0:
                raise ConfigError(
                    f"{name} takes no pictures of {size} pixels.",
                    f"Give train.input_sizes as multiples of {family.multiple}.",
                )
            found.append(Input(name, size, config.weights.get(name, "")))
    allowed = tuple(
        model_input for model_input in found if model_input.name not in config.device.excluded
    )
    if not allowed:
        raise ConfigError(
            "train.device.excluded names every input of train.families.",
            "Leave it empty: it is filled in when the run is planned.",
        )
    return allowed


def by_name(config: TrainConfig) -> dict[str, Input]:
    """`inputs_of` by their names."""
    return {model_input.name: model_input for model_input in inputs_of(config)}


def learner_of(config: TrainConfig) -> Callable[[Mapping[str, Any]], str]:
    """A function from hyperparameters to how their network is trained: 'head' for a head on a
    frozen backbone, with or without published weights; 'scratch' for a whole network."""
    backbones = {
        name: not model_input.initialised_family.from_scratch
        for name, model_input in by_name(config).items()
    }
    return lambda hyperparameters: "head" if backbones[hyperparameters["input"]] else "scratch"


def dimensions(config: TrainConfig) -> tuple[Dimension, ...]:
    """The search space of heads and of networks from scratch."""
    space = config.search_space
    return (
        Categorical("input", tuple(by_name(config))),
        Categorical("head", space.head),
        _number("learning_rate", space.learning_rate),
        _number("weight_decay", space.weight_decay),
        Categorical("batch_size", space.batch_size),
        Categorical("class_balance", space.class_balance),
        *_kernels(config),
    )


def _kernels(config: TrainConfig) -> list[Categorical]:
    """The kernel size, for inputs whose family has a choice."""
    inputs = tuple(
        name
        for name, model_input in by_name(config).items()
        if model_input.initialised_family.kernel
    )
    kernels = Categorical("kernel", config.search_space.kernel, when=Condition("input", inputs))
    return [kernels] if inputs else []


def starts(space: Sequence[Dimension], begin: Mapping[str, float] = BEGIN) -> list[dict[str, Any]]:
    """One plain set for each input: the values of `begin`, else first choices and lowest numbers.
    They are tried before all others."""
    plain = {dimension.name: _plain(dimension, begin) for dimension in space}
    first = space[0]
    assert isinstance(first, Categorical)  # noqa: S101
    return [present_values(space, {**plain, first.name: value}) for value in first.values]


def _plain(dimension: Dimension, begin: Mapping[str, float]) -> Any:
    wanted = begin.get(dimension.name)
    if isinstance(dimension, Categorical):
        return wanted if wanted in dimension.values else dimension.values[0]
    return dimension.rounded(wanted or dimension.low)


def _number(name: str, span: Range) -> Number:
    return Number(name, span.low, span.high, span.log)
