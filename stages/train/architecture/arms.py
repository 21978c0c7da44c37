"""The search over architectures beside its baselines, as one searcher: every next trial goes to the
arm that has taken least so far, by the computed cost of its networks in the epochs that they were
really trained, so that all arms cost the same."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from stages.config import TrainConfig
from stages.models.genotype import parse
from stages.parts import CONTROLLERS
from stages.train.architecture.arm import (
    TRAINING,
    Arm,
    FixedArm,
    Hyperparameters,
    SearchedArm,
    TrainingDefaults,
)
from stages.train.architecture.controllers import Prior
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs, likeness
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.cost.architecture_cost import network_seconds
from stages.train.search.search_space import Categorical, Number, default_sets, dimensions

SOFT_WEIGHT, SOFT_TEMPERATURE = "soft_weight", "soft_temperature"  # of the teacher's answers
LEARNING_RATE = 3e-3  # of searched networks, and of the first of each fixed arm
PRIOR_ENTROPY = 0.8  # of controllers that start near the hand designs
SEED_STEP = 7919  # between the seeds of two controllers
TRIALS_OF_ARM = 6  # at once, in the mean: successive halving compares those of one arm
FACTORS = (1 / 3, 1.0, 3.0)  # of that learning rate, from which controllers choose
VARIED = ("learning_rate", "weight_decay", "batch_size")  # drawn by an arm without further networks


class ArchitectureSearch:
    """A searcher (`successive_halving.Searcher`). Its arms are the controller of `config`, the hand
    designs, the networks that earlier searches found (`train.genotypes`) and the controllers of
    `train.baselines`; no network breaks `limits`."""

    tries_defaults_first: ClassVar[bool] = False

    def __init__(self, config: TrainConfig, limits: CountedLimits) -> None:
        self.limits = limits
        searched = self._searched_arms(config)
        main = {config.controller: searched.pop(config.controller)}
        self.arms: dict[str, Arm] = {**main, **self._fixed_arms(config), **searched}
        self.batch = max(config.batch, TRIALS_OF_ARM * len(self.arms))
        # of each arm: forward passes of its networks times epochs, in seconds
        self.spent = dict.fromkeys(self.arms, 0.0)
        self.forward = dict.fromkeys(self.arms, 0.0)  # the same without epochs
        self.pending = dict.fromkeys(self.arms, 0.0)  # the same of trials that are not charged yet

    def propose(self, count: int) -> list[Hyperparameters]:
        """`count` sets of hyperparameters, of the arms in turn. A trial is expected to take as many
        epochs as those of its arm did so far."""
        chosen = []
        for _ in range(count):
            name = min(self.spent, key=self._expected)
            hyperparameters = self.arms[name].next()
            self.pending[name] += self._seconds(hyperparameters)
            chosen.append(hyperparameters)
        return chosen

    def charge(self, trials: Sequence[tuple[Hyperparameters, int]]) -> None:
        """As in `ChargingSearcher`."""
        for hyperparameters, epochs in trials:
            name, seconds = hyperparameters["arm"], self._seconds(hyperparameters)
            self.spent[name] += seconds * epochs
            self.forward[name] += seconds
            self.pending[name] -= seconds

    def _expected(self, name: str) -> float:
        """What the arm `name` has taken once its pending trials have ended."""
        forward, spent = sum(self.forward.values()), sum(self.spent.values())
        of_arm = self.spent[name] / self.forward[name] if self.forward[name] else 0.0
        epochs = of_arm or (spent / forward if forward else 1.0)
        return self.spent[name] + epochs * self.pending[name]

    def _seconds(self, hyperparameters: Hyperparameters) -> float:
        genotype = parse(hyperparameters["genotype"])
        return network_seconds(genotype, self.limits.shape, hyperparameters["batch_size"])

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Give each arm the scores of its own trials."""
        for name, arm in self.arms.items():
            arm.learn([trial for trial in trials if trial[0]["arm"] == name])

    def _searched_arms(self, config: TrainConfig) -> dict[str, Arm]:
        training = training_of(config)
        networks = architecture_space(config.search_space.architecture)
        space = (*networks, *training_choices(config))
        prior = Prior(self._likeness, PRIOR_ENTROPY)
        return {
            name: SearchedArm(
                name,
                CONTROLLERS[name](space, _seed_of(name, config), prior),
                space,
                self.limits,
                training,
            )
            for name in dict.fromkeys((config.controller, *config.baselines))
        }

    def _fixed_arms(self, config: TrainConfig) -> dict[str, Arm]:
        """The arms of hand designs and found networks that keep the limits."""
        networks = {name: hand_designs(name, self.limits) for name in OPERATIONS}
        for name, text in config.genotypes.items():
            networks[name] = [each for each in [parse(text)] if self.limits.allow(each)]
        training = training_of(config)
        return {
            name: FixedArm(name, genotypes, training, number)
            for number, (name, genotypes) in enumerate(networks.items())
            if genotypes
        }

    def _likeness(self, choices: Mapping[str, Any]) -> float:
        """The prior of controllers that take one: a start near designs that are known to work."""
        return likeness(choices) if self.limits.allow(genotype_of(choices)) else -1.0


def training_choices(config: TrainConfig) -> tuple[Categorical, ...]:
    """How a network may be trained, for controllers to choose from."""
    rate = _learning_rate(config)
    rates = tuple(dict.fromkeys(rate.rounded(factor * LEARNING_RATE) for factor in FACTORS))
    return (
        Categorical(f"{TRAINING}.learning_rate", rates),
        Categorical(f"{TRAINING}.batch_size", config.search_space.batch_size),
    )


def training_of(config: TrainConfig) -> TrainingDefaults:
    """How networks are trained in a search of `config`."""
    space = dimensions(config)
    defaults = {**default_sets(space)[0], "head": "linear"}
    defaults["learning_rate"] = _learning_rate(config).rounded(LEARNING_RATE)
    defaults |= soft_targets_of(config)
    varied = [each for each in space if each.name in VARIED]
    return TrainingDefaults(defaults, varied, config.seed)


def _learning_rate(config: TrainConfig) -> Number:
    [rate] = [each for each in dimensions(config) if each.name == "learning_rate"]
    assert isinstance(rate, Number)  # noqa: S101
    return rate


def soft_targets_of(config: TrainConfig) -> Hyperparameters:
    """How networks learn from the teacher of a search of `config`; empty without one."""
    distil = config.distils
    if distil is None:
        return {}
    return {SOFT_WEIGHT: distil.weight, SOFT_TEMPERATURE: distil.temperature}


def _seed_of(name: str, config: TrainConfig) -> int:
    """The seed of the controller `name`: that of the search for `train.controller`, another one for
    each baseline, or policies that start alike would all propose the same networks."""
    if name == config.controller:
        return config.seed
    return config.seed + SEED_STEP * (1 + list(CONTROLLERS).index(name))
