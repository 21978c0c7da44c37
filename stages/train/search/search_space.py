"""Describes the search space as dimensions, and the default sets of hyperparameters that a search
tries first.

A dimension may have a condition on the value of an earlier one, and is active only where this
holds: a set of hyperparameters has values for the active dimensions, and for no others. (The kernel
size and the width, for example, are active for inputs whose family has a choice.)"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any

from stages.config import TrainConfig
from stages.config.search_space import Range
from stages.models.family import LAST, Family
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError

if TYPE_CHECKING:  # planning does not import numpy
    from numpy.random import Generator

HIDDEN_UNITS = 64  # of a head with a hidden layer, in each fold
SIGNIFICANT_DIGITS = 4  # of a searched number: enough, and unchanged by writing and reading it
# the values of default sets; a dimension without one here has its first or lowest value
DEFAULTS = {"l2": 0.05, "learning_rate": 1e-3, "weight_decay": 0.1, "batch_size": 32}


@dataclass(frozen=True)
class Condition:
    """A condition of a dimension: that an earlier dimension, `name`, has one of `values`."""

    name: str
    values: tuple[Any, ...]

    def holds(self, hyperparameters: Mapping[str, Any]) -> bool:
        """Whether `hyperparameters` meet the condition."""
        return hyperparameters.get(self.name) in self.values


@dataclass(frozen=True)
class AnyOf:
    """Holds where one of `conditions` does."""

    conditions: tuple[Condition, ...]

    def holds(self, hyperparameters: Mapping[str, Any]) -> bool:
        """Whether `hyperparameters` meet one of the conditions."""
        return any(condition.holds(hyperparameters) for condition in self.conditions)


@dataclass(frozen=True)
class AllOf:
    """Holds where all of `conditions` do."""

    conditions: tuple[Condition, ...]

    def holds(self, hyperparameters: Mapping[str, Any]) -> bool:
        """Whether `hyperparameters` meet all of the conditions."""
        return all(condition.holds(hyperparameters) for condition in self.conditions)


When = Condition | AnyOf | AllOf


@dataclass(frozen=True)
class Categorical:
    """A dimension with one of `values`; with `when`, active only under this condition."""

    name: str
    values: tuple[Any, ...]
    when: When | None = None

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
    when: When | None = None

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
    it holds for the values of dimensions that are active, too."""
    active: list[Dimension] = []
    values: dict[str, Any] = {}  # of active dimensions alone
    for dimension in space:
        if dimension.when is None or dimension.when.holds(values):
            active.append(dimension)
            values[dimension.name] = hyperparameters.get(dimension.name)
    return active


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
    empty: the family's own. `mirrored`: whether each picture is answered together with its mirror
    image."""

    family: str
    size: int
    weights: str = ""
    mirrored: bool = False

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
        picture, with its mirror image if both are answered, or one part of a clip)."""
        family: Family = FAMILIES[self.family]
        return family.seconds(self.size) * (2 if self.mirrored else 1)

    def widths(self, config: TrainConfig) -> tuple[float, ...]:
        """The widths that the search of `config` may choose; 1 alone where the family has no
        choice."""
        return config.search_space.width if self.initialised_family.width else (1.0,)


def uses_feature_maps(config: TrainConfig, model_input: Input) -> bool:
    """Whether heads on the features of `model_input` may take those of inner maps, too."""
    allowed = set(config.search_space.feature_maps) - {LAST}
    return bool(allowed & set(model_input.initialised_family.feature_counts))


def feature_count(config: TrainConfig, model_input: Input) -> int:
    """How many features of `model_input` are computed: those of the last map, or of all maps."""
    counts = model_input.initialised_family.feature_counts
    return max(counts.values()) if uses_feature_maps(config, model_input) else counts[LAST]


def inputs_of(config: TrainConfig) -> tuple[Input, ...]:
    """Each family of `config` at each of its sizes.

    Sizes are `train.input_sizes`, which are of pictures; a family for sounds has its own size.
    Without `train.input_sizes`, it is the family's size, and with `train.larger` also the one at
    which it is known to be better. Inputs in `train.device.excluded` are left out, unless
    `train.distil` may ship a student: then they can still be its teacher. Raises ConfigError for a
    size that a family cannot take, and if no input is left."""
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
            found.append(Input(name, size, config.weights.get(name, ""), config.mirrored))
    has_student = config.distils is not None and config.distils.may_ship
    allowed = tuple(
        model_input
        for model_input in found
        if has_student or model_input.name not in config.device.excluded
    )
    if not allowed:
        raise ConfigError(
            "train.device.excluded names every input of train.families.",
            "Leave it empty: it is filled in when the run is planned.",
        )
    return allowed


def views_of_rows(config: TrainConfig, views: int) -> int:
    """How many of the `views` augmented copies of each sample the first phase trains on: all if a
    network from scratch takes part, else at most `train.head_views`.

    On frozen features of pictures a regularised head gains nothing from copies (10, 20 and 40
    photos of clothes a label, six seeds: 73.2 and 73.1, 78.5 and 78.6, 81.4 and 81.7 % without and
    with one), which cost as much time as the samples. Sounds gain, by noise and by other beginnings
    (ESC-10, held-out folds: log loss .237 without a copy, .216 with one, .212 with three)."""
    is_scratch = any(item.initialised_family.from_scratch for item in inputs_of(config))
    return views if is_scratch else min(views, config.head_views)


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
    frozen, scratch = _frozen_and_scratch(config)
    in_steps = AnyOf((Condition("head", ("hidden",)), Condition("input", scratch)))
    at_optimum = AllOf((Condition("head", ("linear",)), Condition("input", frozen)))
    return (
        Categorical("input", tuple(inputs_by_name(config))),
        Categorical("head", space.head),
        _number("l2", space.l2, when=at_optimum),
        _number("learning_rate", space.learning_rate, when=in_steps),
        _number("weight_decay", space.weight_decay, when=in_steps),
        Categorical("batch_size", space.batch_size, when=in_steps),
        Categorical("class_balance", _balances(config)),
        *_feature_maps(config),
        *_of_networks(config),
    )


def _balances(config: TrainConfig) -> tuple[str, ...]:
    """The values of `class_balance`: labels are balanced by themselves only if the metric counts
    all labels alike."""
    wanted = config.search_space.class_balance
    if config.metric == "balanced_accuracy":
        return wanted
    return tuple(dict.fromkeys("none" if name == "auto" else name for name in wanted))


def _frozen_and_scratch(config: TrainConfig) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the inputs whose backbone stays frozen, and of those of networks from
    scratch."""
    is_scratch = {
        name: model_input.initialised_family.from_scratch
        for name, model_input in inputs_by_name(config).items()
    }
    frozen = tuple(name for name in is_scratch if not is_scratch[name])
    return frozen, tuple(name for name in is_scratch if is_scratch[name])


def _feature_maps(config: TrainConfig) -> list[Categorical]:
    """The dimension of the maps whose features a head takes, active for inputs whose family has
    inner maps; none if no family has, or no inner map is allowed."""
    inputs = tuple(
        name
        for name, model_input in inputs_by_name(config).items()
        if uses_feature_maps(config, model_input)
    )
    feature_maps = Categorical(
        "feature_maps", config.search_space.feature_maps, when=Condition("input", inputs)
    )
    return [feature_maps] if inputs else []


def _of_networks(config: TrainConfig) -> list[Categorical]:
    """The dimensions of networks from scratch, kernel size, width and found architectures: each is
    active for inputs whose family has a choice; none if no family has."""
    found = []
    for name in ("kernel", "width"):
        inputs = tuple(
            input_name
            for input_name, model_input in inputs_by_name(config).items()
            if getattr(model_input.initialised_family, name)
        )
        values = getattr(config.search_space, name)
        if inputs:
            found.append(Categorical(name, values, when=Condition("input", inputs)))
    return found + _of_found_networks(config)


def _of_found_networks(config: TrainConfig) -> list[Categorical]:
    """The dimension of the architectures that an earlier search found, of searched families."""
    inputs = tuple(
        name
        for name, model_input in inputs_by_name(config).items()
        if model_input.initialised_family.searched
    )
    genotypes = tuple(dict.fromkeys(config.genotypes.values()))
    if config.architecture == "search" or not (inputs and genotypes):
        return []
    return [Categorical("genotype", genotypes, when=Condition("input", inputs))]


def default_sets(
    space: Sequence[Dimension], defaults: Mapping[str, float] = DEFAULTS
) -> list[dict[str, Any]]:
    """Sets of hyperparameters that are known to do well on most data, one for each input, and then
    one for each further choice of its maps: the values of `defaults`, else first choices and lowest
    numbers. The first dimension of `space` has to be the input."""
    values = {dimension.name: _default(dimension, defaults) for dimension in space}
    choices = {item.name: item.values for item in space if isinstance(item, Categorical)}
    every = [
        active_values(space, {**values, "feature_maps": feature_maps, space[0].name: model_input})
        for feature_maps in choices.get("feature_maps", (LAST,))
        for model_input in choices[space[0].name]
    ]
    return [each for place, each in enumerate(every) if each not in every[:place]]


def _default(dimension: Dimension, defaults: Mapping[str, float]) -> Any:
    wanted = defaults.get(dimension.name)
    if isinstance(dimension, Categorical):
        return wanted if wanted in dimension.values else dimension.values[0]
    return dimension.rounded(wanted or dimension.low)


def _number(name: str, span: Range, when: When | None = None) -> Number:
    return Number(name, span.low, span.high, span.log, when)
