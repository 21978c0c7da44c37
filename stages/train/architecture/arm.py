"""The arms of an architecture search: a controller that proposes networks, or networks that are
fixed beforehand, made by hand or found by an earlier search."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from stages.models.genotype import Genotype
from stages.runtime.errors import ConfigError
from stages.train.architecture.controllers import Choices, Controller
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.space import genotype_of
from stages.train.search.search_space import Categorical, Dimension
from stages.train.search.searchers.random import random_hyperparameters

BARREN = 40  # draws of a batch's size without a new proposal within the limits: then at random
MOST_DRAWS = 20_000  # random sets until the first network keeps the limits
FURTHER_DRAWS = 2_000  # until another one does
TRAINING = "training"  # the level of the choices of how a network is trained
Hyperparameters = dict[str, Any]


class TrainingDefaults(NamedTuple):
    """How the networks of all arms are trained: with `defaults`, apart from what a controller
    chooses, or an arm without further networks draws from `dimensions`. `seed`: of the search."""

    defaults: Hyperparameters
    dimensions: Sequence[Dimension]
    seed: int


class Arm(Protocol):
    """One of the arms that share the time of a search equally."""

    def next(self) -> Hyperparameters:
        """The hyperparameters of its next trial."""
        ...

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Learn the scores of its own `trials`; higher is better."""
        ...


class FixedArm:
    """An arm of the networks `genotypes`, the most promising first: that one is trained as searched
    networks are; after that random ones, each trained in another way. `number`: of the arm, so that
    arms differ in their random numbers."""

    def __init__(
        self, name: str, genotypes: Sequence[Genotype], training: TrainingDefaults, number: int
    ) -> None:
        self.name, self.genotypes, self.training, self.number = name, genotypes, training, number
        self.count = 0

    def next(self) -> Hyperparameters:
        """As in `Arm`."""
        rng = np.random.default_rng([self.training.seed, self.number, self.count])
        first, self.count = self.count == 0, self.count + 1
        dimensions = () if first else self.training.dimensions
        changes = {each.name: each.sample(rng) for each in dimensions}
        genotype = self.genotypes[0 if first else int(rng.integers(len(self.genotypes)))]
        return {**self.training.defaults, **changes, "genotype": genotype.text, "arm": self.name}

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Do nothing."""


class SearchedArm:
    """An arm whose networks `controller` proposes, all within `limits`, each with how it is
    trained, and no pair of both twice. `space`: of its choices, those of training with names that
    begin with TRAINING; `name`: of the arm.

    The controller learns once all networks that it proposed together have a score, so that what it
    learns from was drawn from its present policy. Where it has no new proposal within the limits,
    as in a space that a pipeline narrows to a few, the networks are trained in random ways."""

    def __init__(
        self,
        name: str,
        controller: Controller,
        space: Sequence[Categorical],
        limits: CountedLimits,
        training: TrainingDefaults,
    ) -> None:
        self.name, self.controller, self.space = name, controller, space
        self.limits, self.training = limits, training
        self.choices: dict[str, Choices] = {}  # by the key of what was proposed
        self.queue: list[Hyperparameters] = []  # proposed together, and not trained yet
        self.scores: list[tuple[Choices, float]] = []  # which the controller has not learnt yet
        self.exhausted: FixedArm | None = None

    def next(self) -> Hyperparameters:
        """As in `Arm`. Raises ConfigError if no random network keeps the limits either."""
        if not self.queue and not self.exhausted:
            self.queue = self._proposals(self.controller.batch)
        return self.queue.pop(0) if self.queue else self._repeats().next()

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """As in `Arm`. Trials of `_repeats` are none of the controller's."""
        proposed = [(_key(each), score) for each, score in trials if _key(each) in self.choices]
        self.scores += [(self.choices[key], score) for key, score in proposed]
        if self.scores and not self.queue:
            self.controller.learn(self.scores)
            self.scores = []

    def _proposals(self, count: int) -> list[Hyperparameters]:
        """`count` new proposals in the controller's order, or as many as it finds; a random one if
        it finds none; none if there are no more."""
        found: list[Hyperparameters] = []
        for _ in range(BARREN):
            sets = self.controller.propose(count - len(found))
            self.controller.reject([each for each in sets if not self._is_allowed(each)])
            found += [proposal for each in sets if (proposal := self._new(each))]
            if len(found) == count:
                return found
        return found or self._random()

    def _is_allowed(self, choices: Choices) -> bool:
        return self.limits.allow(genotype_of(choices))

    def _new(self, choices: Choices) -> Hyperparameters:
        """The hyperparameters of `choices`, which are noted; empty if the network breaks a limit,
        or was proposed with the same training."""
        genotype = genotype_of(choices)
        changes = {
            name.partition(".")[2]: value
            for name, value in choices.items()
            if name.startswith(f"{TRAINING}.")
        }
        proposal = {
            **self.training.defaults,
            **changes,
            "genotype": genotype.text,
            "arm": self.name,
        }
        key = _key(proposal)
        if key in self.choices or not self.limits.allow(genotype):
            return {}
        self.choices[key] = choices
        return proposal

    def _random(self) -> list[Hyperparameters]:
        """One random new proposal; none if no draw is new and keeps the limits."""
        rng = np.random.default_rng([self.training.seed, len(self.choices)])
        for _ in range(FURTHER_DRAWS if self.choices else MOST_DRAWS):
            if proposal := self._new(random_hyperparameters(self.space, rng)):
                return [proposal]
        return []

    def _repeats(self) -> FixedArm:
        """The arm of all networks that were proposed, once there are no others."""
        if not self.choices:
            raise ConfigError(
                f"Of {MOST_DRAWS:,} random networks none keeps the limits of train.device.",
                "Raise train.device.parameters or macs, or allow more in "
                "train.search_space.architecture.",
            )
        if self.exhausted is None:
            genotypes = list(dict.fromkeys(map(genotype_of, self.choices.values())))
            self.exhausted = FixedArm(self.name, genotypes, self.training, len(self.name))
            self.exhausted.count = 1  # all of them were trained as they were proposed
        return self.exhausted


def _key(hyperparameters: Hyperparameters) -> str:
    """What tells a proposal of an arm from its others."""
    return str(sorted(hyperparameters.items()))
