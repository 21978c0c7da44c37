"""The search over architectures beside hand designs, as one searcher: every next trial goes to the
arm that has taken least so far, by the computed cost of its networks, so that all arms cost the
same."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from stages.config import TrainConfig
from stages.models.genotype import Genotype, parse
from stages.parts import CONTROLLERS
from stages.runtime.errors import ConfigError
from stages.train.architecture.controllers import Choices
from stages.train.architecture.counted_limits import CountedLimits
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.cost.architecture_cost import network_seconds
from stages.train.search.search_space import Number, default_sets, dimensions
from stages.train.search.searchers.random import random_hyperparameters

SEARCHED = "searched"
LEARNING_RATE = 3e-3  # of searched networks, and of the first of each hand design
BARREN = 40  # draws of a batch's size without a new network within the limits: then at random
MOST_DRAWS = 20_000  # random sets until one keeps the limits
Hyperparameters = dict[str, Any]


class ArchitectureSearch:
    """A searcher (`successive_halving.Searcher`). The controller of `config` proposes the networks
    of the arm SEARCHED, all trained in the same way; a hand design varies its width and how it is
    trained. No network breaks `limits`, and none is searched twice."""

    tries_defaults_first: ClassVar[bool] = False

    def __init__(self, config: TrainConfig, limits: CountedLimits) -> None:
        self.limits, self.seed = limits, config.seed
        self.space = architecture_space()
        self.controller = CONTROLLERS[config.controller](self.space, config.seed, self._macs)
        self.training = [
            each
            for each in dimensions(config)
            if each.name in ("learning_rate", "weight_decay", "batch_size")
        ]
        self.defaults = {**default_sets(dimensions(config))[0], "head": "linear"}
        [rate] = [each for each in self.training if each.name == "learning_rate"]
        assert isinstance(rate, Number)  # noqa: S101
        self.defaults["learning_rate"] = rate.rounded(LEARNING_RATE)
        found = {name: hand_designs(name, limits) for name in OPERATIONS}
        self.designs = {name: designs for name, designs in found.items() if designs}
        self.spent = dict.fromkeys((SEARCHED, *self.designs), 0.0)  # seconds of each arm
        self.counts = dict.fromkeys(self.designs, 0)
        self.choices: dict[str, Choices] = {}  # of each searched genotype that was proposed

    def propose(self, count: int) -> list[Hyperparameters]:
        """`count` sets of hyperparameters, of the arms in turn."""
        candidates, chosen = self._candidates(count), []
        for _ in range(count):
            arm = min(self.spent, key=lambda name: self.spent[name])
            hyperparameters = (
                self._searched(*candidates.pop(0)) if arm == SEARCHED else self._by_hand(arm)
            )
            self.spent[arm] += network_seconds(
                parse(hyperparameters["genotype"]), self.limits.shape
            )
            chosen.append(hyperparameters)
        return chosen

    def learn(self, trials: Sequence[tuple[Hyperparameters, float]]) -> None:
        """Tell the controller the scores of its networks."""
        searched = [
            (self.choices[hyperparameters["genotype"]], score)
            for hyperparameters, score in trials
            if hyperparameters["arm"] == SEARCHED
        ]
        if searched:
            self.controller.learn(searched)

    def _candidates(self, count: int) -> list[tuple[Choices, Genotype]]:
        """`count` new networks within the limits, in the controller's order; random ones for those
        that it does not find."""
        found: dict[str, tuple[Choices, Genotype]] = {}
        for _ in range(BARREN):
            sets = self.controller.propose(count)
            drawn = [(choices, genotype_of(choices)) for choices in sets]
            broken = [choices for choices, each in drawn if not self.limits.allow(each)]
            self.controller.reject(broken)
            for choices, genotype in drawn:
                if self.limits.allow(genotype) and genotype.text not in self.choices:
                    found.setdefault(genotype.text, (choices, genotype))
            if len(found) >= count:
                return list(found.values())[:count]
        missing = count - len(found)
        return [*found.values(), *(self._random(number) for number in range(missing))]

    def _random(self, number: int) -> tuple[Choices, Genotype]:
        rng = np.random.default_rng([self.seed, len(self.choices), number])
        for _ in range(MOST_DRAWS):
            choices = random_hyperparameters(self.space, rng)
            genotype = genotype_of(choices)
            if self.limits.allow(genotype) and genotype.text not in self.choices:
                return choices, genotype
        raise ConfigError(
            f"Of {MOST_DRAWS:,} random networks none that is new keeps the limits of train.device.",
            "Raise train.device.parameters or macs, or lower train.trials.",
        )

    def _searched(self, choices: Choices, genotype: Genotype) -> Hyperparameters:
        self.choices[genotype.text] = choices
        return {**self.defaults, "genotype": genotype.text, "arm": SEARCHED}

    def _by_hand(self, arm: str) -> Hyperparameters:
        """The next trial of the design `arm`: at first the widest network, trained as searched ones
        are; then random."""
        designs, number = self.designs[arm], self.counts[arm]
        self.counts[arm] += 1
        rng = np.random.default_rng([self.seed, list(OPERATIONS).index(arm), number])
        changes = {each.name: each.sample(rng) for each in self.training} if number else {}
        genotype = designs[int(rng.integers(len(designs))) if number else 0]
        return {**self.defaults, **changes, "genotype": genotype.text, "arm": arm}

    def _macs(self, choices: Choices) -> float:
        """The prior of controllers that take one: more work within the limits."""
        genotype = genotype_of(choices)
        return float(self.limits.counts(genotype)[1]) if self.limits.allow(genotype) else 0.0
