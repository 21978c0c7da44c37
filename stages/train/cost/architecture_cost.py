"""Computes how long networks of the architecture search take, from their counts."""

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from stages.config import TrainConfig
from stages.config.search_space import ArchitectureSpace
from stages.models.genotype import Genotype, convolutions, pooled_values
from stages.train.architecture.counted_limits import (
    FEW_LABELS,
    CountedLimits,
    limits_of,
    planned_shape,
)
from stages.train.architecture.hand_designs import OPERATIONS, hand_designs
from stages.train.architecture.space import architecture_space, genotype_of
from stages.train.search.search_space import DEFAULTS, Input, default_sets, dimensions

DRAWS, MOST_DRAWS = 40, 4000  # random networks within the limits, for the mean
BATCH = int(DEFAULTS["batch_size"])


class Workload(NamedTuple):
    """What the training of a network takes time for, for each window. `calls`: of convolutions,
    each with its norm and activation, which the windows of a batch share; `macs`: of convolutions
    that mix channels, and `depthwise_macs` of those that do not; `values`, `pooled_values`: what
    convolutions and poolings give, channels times positions."""

    windows: float
    calls: float
    macs: float
    depthwise_macs: float
    values: float
    pooled_values: float


# Seconds of one core of the reference machine for one of each, a quarter of what one step of
# training takes; `python -m tests.benchmarks.architecture_cost` measures them
SECONDS = Workload(
    windows=3.3e-5,
    calls=2.5e-4,
    macs=7.1e-11,
    depthwise_macs=5.4e-10,
    values=2.8e-10,
    pooled_values=3.6e-9,
)


def workload_of(genotype: Genotype, shape: Sequence[int], batch: int = BATCH) -> Workload:
    """The work for one window of `shape`, [channels, height, width], in batches of so many."""
    _, height, width = shape
    every = convolutions(genotype, *shape)
    macs, depthwise_macs = (
        sum(each.weights * each.places for each in every if (each.groups > 1) == is_depthwise)
        for is_depthwise in (False, True)
    )
    return Workload(
        windows=1,
        calls=len(every) / batch,
        macs=macs,
        depthwise_macs=depthwise_macs,
        values=sum(each.wide * each.places for each in every),
        pooled_values=pooled_values(genotype, height, width),
    )


def network_seconds(genotype: Genotype, shape: Sequence[int], batch: int = BATCH) -> float:
    """Seconds for a forward pass of one window of `shape`, [channels, height, width], in batches of
    so many, where a step of training is counted as several of them."""
    return sum(
        count * seconds
        for count, seconds in zip(workload_of(genotype, shape, batch), SECONDS, strict=True)
    )


def mean_seconds(config: TrainConfig, model_input: Input) -> float:
    """As `network_seconds`, in the mean over the trials of a search of `config`, whose arms take
    equally long."""
    limits = limits_of(config, planned_shape(model_input), FEW_LABELS, config.folds)
    batch = default_sets(dimensions(config))[0].get("batch_size", BATCH)
    return _mean_seconds(limits, config.search_space.architecture, batch)


@lru_cache(maxsize=64)
def _mean_seconds(limits: CountedLimits, allowed: ArchitectureSpace, batch: int) -> float:
    rng, space, found = random.Random(0), architecture_space(allowed), []  # noqa: S311
    for _ in range(MOST_DRAWS):
        genotype = genotype_of({each.name: rng.choice(each.values) for each in space})
        if limits.allow(genotype):
            found.append(network_seconds(genotype, limits.shape, batch))
        if len(found) == DRAWS:
            break
    designs = [hand_designs(name, limits) for name in OPERATIONS]
    arms = [sum(found) / len(found)] if found else []
    arms += [network_seconds(each[0], limits.shape, batch) for each in designs if each]
    return len(arms) / sum(1 / seconds for seconds in arms) if arms else SECONDS.windows
