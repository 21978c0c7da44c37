"""Computes how long networks of the architecture search take, from their counts."""

import random
from collections.abc import Sequence
from functools import lru_cache

from stages.config import TrainConfig
from stages.config.search_space import ArchitectureSpace
from stages.models.genotype import Genotype, convolutions, macs_of
from stages.train.architecture.counted_limits import (
    FEW_LABELS,
    CountedLimits,
    limits_of,
    planned_shape,
)
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.search.search_space import Input

# seconds of one core of the reference machine for one window, forward, in a batch
MAC_SECONDS = 1e-10
CONVOLUTION_SECONDS = 4e-6  # with the norm and the activation behind it
DRAWS, MOST_DRAWS = 40, 4000  # random networks within the limits, for the mean


def network_seconds(genotype: Genotype, shape: Sequence[int]) -> float:
    """Seconds for a forward pass of one window of `shape`, [channels, height, width]."""
    channels, height, width = shape
    count = len(convolutions(genotype, channels, height, width))
    return MAC_SECONDS * macs_of(genotype, shape, FEW_LABELS) + CONVOLUTION_SECONDS * count


def mean_seconds(config: TrainConfig, model_input: Input) -> float:
    """As `network_seconds`, in the mean over the trials of a search of `config`, whose arms take
    equally long."""
    limits = limits_of(config, planned_shape(model_input), FEW_LABELS, config.folds)
    return _mean_seconds(limits, config.search_space.architecture)


@lru_cache(maxsize=64)
def _mean_seconds(limits: CountedLimits, allowed: ArchitectureSpace) -> float:
    rng, space, found = random.Random(0), architecture_space(allowed), []  # noqa: S311
    for _ in range(MOST_DRAWS):
        genotype = genotype_of({each.name: rng.choice(each.values) for each in space})
        if limits.allow(genotype):
            found.append(network_seconds(genotype, limits.shape))
        if len(found) == DRAWS:
            break
    designs = [hand_designs(name, limits) for name in OPERATIONS]
    arms = [sum(found) / len(found)] if found else []
    arms += [network_seconds(each[0], limits.shape) for each in designs if each]
    return len(arms) / sum(1 / seconds for seconds in arms) if arms else CONVOLUTION_SECONDS
