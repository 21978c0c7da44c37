"""Who teaches what of a batch: shards that are the same however many workers there are."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stages.train.distributed.process_group import Floats, ProcessGroup

Indices = NDArray[np.int64]


def shards_for(workers: int) -> int:
    """Into how many shards a batch is divided if `workers` are asked for; fewer may come. At least
    two, so that one worker's sums are those of two."""
    return max(2, workers)


def shards_of(group: ProcessGroup, shards: int) -> list[int]:
    """The shards that this worker of `group` teaches; each shard is one worker's."""
    return list(range(group.rank, shards, group.world))


def shard(rows: Indices, number: int, shards: int) -> Indices:
    """Shard `number` of a batch's `rows`; no row is in two, sizes differ by one at most."""
    return rows[number::shards]


def total(group: ProcessGroup, shards: int, of: Callable[[int], Floats]) -> Floats:
    """The sum of the vectors `of` all shards: the same for every worker, and to the last bit the
    same for every number of workers.

    Two shards have one sum. More are summed in the order of their numbers, as (a + b) + c is not
    a + (b + c) for a processor; so each worker needs every shard."""
    parts = {number: of(number) for number in shards_of(group, shards)}
    if shards > 2 and group.world > 1:
        parts = {number: part for own in group.gather(parts) for number, part in own.items()}
    first, *further = sorted(parts)
    summed = parts[first].copy()
    for number in further:
        summed += parts[number]
    return summed if shards > 2 else group.sum(summed)
