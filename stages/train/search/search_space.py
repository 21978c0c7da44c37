"""Describes the search space as dimensions, and the default sets of hyperparameters that a search
tries first.

A dimension may have a condition on the value of an earlier one, and is active only where this
holds: a set of hyperparameters has values for the active dimensions, and for no others. (The kernel
size, for example, is active for inputs whose family has a choice.)"""

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

HIDDEN_UNITS = 64  # of a head with a hidden layer, in each fold
SIGNIFICANT_DIGITS = 4  # of a searched number: enough, and unchanged by writing and reading it
# the values of default sets; a dimension without one here has its first or lowest value
DEFAULTS = {"learning_rate": 1e-3, "weight_decay": 0.1, "batch_size": 32}


@dataclass(frozen=True)
class Condition:
    """A condition of a dimension: that an earlier dimension, `name`, has one of `values`."""

    name: str
    values: tuple[Any, ...]

    def holds(self, hyperparameters: Mapping[str, Any]) -> bool:
        """Whether `hyperparameters` meet the condition."""
        return hyperparameters.get(self.name) in self.values


@dataclass(frozen=True)
class Categorical:
    """A dimension with one of `values`; with `when`, active only under this condition."""

    name: str
    values: tuple[Any, ...]
    when: Condition | None = None

    def sample(self, rng: "Generator") -> Any:
        """A random value, all equally likely."""
        return self.values[int(rng.integers(len(self.values)))]


@dataclass(frozen=True)
class Number:
    """A dimension with a number from `low` to `high`, on a logarithmic scale if `log`; with `when`,
    active only under this condition."""

    name: str
    low: float
    high: float
    log: bool
    when: Condition | None = None

    def rounded(self, value: float) -> float:
        """`value` with SIGNIFICANT_DIGITS digits, moved within the bounds."""
        return min(max(float(f"{value:.{SIGNIFICANT_DIGITS}g}"), self.low), self.high)

    def sample(self, rng: "Generator") -> float:
        """A random value, uniform on the dimension's scale."""
        if self.log:
            return self.rounded(exp(rng.uniform(log(self.low), log(self.high))))
        return self.rounded(rng.uniform(self.low, self.high))


Dimension = Categorical | Number


def active_dimensions(
    space: Sequence[Dimension], hyperparameters: Mapping[str, Any]
) -> list[Dimension]:
    """The dimensions of `space` that are active for `hyperparameters`: they have no condition, or
    it holds and the dimension that it names is active, too."""
    active: dict[str, Dimension] = {}
    for dimension in space:
        if dimension.when is None or (
            dimension.when.name in active and dimension.when.holds(hyperparameters)
        ):
            active[dimension.name] = dimension
    return list(active.values())


def active_values(space: Sequence[Dimension], hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """`hyperparameters` without the values of dimensions that are not active."""
    return {
        dimension.name: hyperparameters[dimension.name]
        for dimension in active_dimensions(space, hyperparameters)
    }


@dataclass(frozen=True)
class Input:
    """What a model takes as input: a family of networks with the size of its input (`size`: a
    picture's side in pixels, or a spectrogram's bands). Features are computed once for each input.
    `weights`: the digest of the family's initial weights, or "scratch", as in `train.weights`;
    empty: the family's own."""

    family: str
    size: int
    weights: str = ""

    @property
    def name(self) -> str:
        """The name in hyperparameters and records, as in "efficientnet_lite0@224"."""
        return f"{self.family}@{self.size}"

    @property
    def initialised_family(self) -> Family:
        """The family with the weights that it is initialised from."""
        family: Family = FAMILIES[self.family]
        return family.initialised_from(self.weights)

    @property
    def seconds(self) -> float:
        """Seconds of one core of the reference machine for a forward pass of one window (one
        picture, or one part of a clip)."""
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
        default_sizes = (
            (family.size, family.larger) if config.larger and family.larger else (family.size,)
        )
        for size in dict.fromkeys(sizes or default_sizes):
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


def inputs_by_name(config: TrainConfig) -> dict[str, Input]:
    """The inputs of `config` by their names. Raises what `inputs_of` raises."""
    return {model_input.name: model_input for model_input in inputs_of(config)}


def learner_of(config: TrainConfig) -> Callable[[Mapping[str, Any]], str]:
    """A function from hyperparameters to how their network is trained: 'head' for a head on a
    frozen backbone, with or without published weights; 'scratch' for a whole network."""
    backbones = {
        name: not model_input.initialised_family.from_scratch
        for name, model_input in inputs_by_name(config).items()
    }
    return lambda hyperparameters: "head" if backbones[hyperparameters["input"]] else "scratch"


def dimensions(config: TrainConfig) -> tuple[Dimension, ...]:
    """The search space of heads and of networks from scratch."""
    space = config.search_space
    return (
        Categorical("input", tuple(inputs_by_name(config))),
        Categorical("head", space.head),
        _number("learning_rate", space.learning_rate),
        _number("weight_decay", space.weight_decay),
        Categorical("batch_size", space.batch_size),
        Categorical("class_balance", space.class_balance),
        *_kernels(config),
    )


def _kernels(config: TrainConfig) -> list[Categorical]:
    """The dimension of the kernel size, active for inputs whose family has a choice; none if no
    family has."""
    inputs = tuple(
        name
        for name, model_input in inputs_by_name(config).items()
        if model_input.initialised_family.kernel
    )
    kernels = Categorical("kernel", config.search_space.kernel, when=Condition("input", inputs))
    return [kernels] if inputs else []


def default_sets(
    space: Sequence[Dimension], defaults: Mapping[str, float] = DEFAULTS
) -> list[dict[str, Any]]:
    """One set of hyperparameters for each input, which are known to do well on most data: the
    values of `defaults`, else first choices and lowest numbers. The first dimension of `space` has
    to be the input."""
    values = {dimension.name: _default(dimension, defaults) for dimension in space}
    first = space[0]
    assert isinstance(first, Categorical)  # noqa: S101
    return [active_values(space, {**values, first.name: value}) for value in first.values]


def _default(dimension: Dimension, defaults: Mapping[str, float]) -> Any:
    wanted = defaults.get(dimension.name)
    if isinstance(dimension, Categorical):
        return wanted if wanted in dimension.values else dimension.values[0]
    return dimension.rounded(wanted or dimension.low)


def _number(name: str, span: Range) -> Number:
    return Number(name, span.low, span.high, span.log)
