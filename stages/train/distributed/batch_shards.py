"""Divides a batch into shards, which are the same however many workers share them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.train.distributed.process_group import Floats, ProcessGroup

Indices = NDArray[np.int64]


def shards_for(workers: int) -> int:
    """The number of shards of a batch for a config of so many `workers`. It is fixed before
    training, even if fewer workers start; at least two, so that one worker adds the same sums as
    two."""
    return max(2, workers)


def shards_of(group: ProcessGroup, shards: int) -> list[int]:
    """The numbers of the shards that this worker of `group` trains on, out of `shards`; each shard
    belongs to one worker."""
    return list(range(group.rank, shards, group.world))


def shard(rows: Indices, number: int, shards: int) -> Indices:
    """The rows of shard `number` of a batch with `rows` [n]. Shards share no row, and their sizes
    differ by one at most."""
    return rows[number::shards]


def sum_over_shards(group: ProcessGroup, shards: int, compute: Callable[[int], Floats]) -> Floats:
    """The sum of the vectors [n] that `compute` returns for each shard's number. Every worker of
    `group` calls this at the same time, computes its own shards, and gets the same sum, equal to
    the last bit for every number of workers.

    Floating-point addition is commutative but not associative: two shards have one sum, and more
    are added in the order of their numbers, so each worker needs the vectors of all shards."""
    parts = {number: compute(number) for number in shards_of(group, shards)}
    if shards > 2 and group.world > 1:
        gathered = group.gather(parts)
        parts = {number: part for of_worker in gathered for number, part in of_worker.items()}
    first, *further = sorted(parts)
    summed = parts[first].copy()
    for number in further:
        summed += parts[number]
    return summed if shards > 2 else group.sum(summed)
