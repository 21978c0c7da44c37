"""Shards are the same however many workers there are, and so are their sums."""

import threading

import numpy as np
import pytest

from stages.train.distributed.batch_shards import shard, shards_for, shards_of, sum_over_shards


class Threads:
    """A group of threads of this process."""

    def __init__(self, rank, world, board, barrier):
        self.rank, self.world, self.board, self.barrier = rank, world, board, barrier

    def gather(self, value):
        self.board[self.rank] = value
        self.barrier.wait(10)
        values = [self.board[rank] for rank in range(self.world)]
        self.barrier.wait(10)
        return values

    def sum(self, vector):
        return np.sum(self.gather(vector), axis=0, dtype=np.float32)


def run_group(world, work):
    """What `work(group)` gives each of `world` workers."""
    board, barrier, results = {}, threading.Barrier(world), [None] * world

    def run(rank):
        results[rank] = work(Threads(rank, world, board, barrier))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_every_shard_is_one_workers(world):
    results = run_group(world, lambda group: shards_of(group, 4))

    assert sorted(number for mine in results for number in mine) == [0, 1, 2, 3]


@pytest.mark.parametrize(("rows", "shards"), [(16, 2), (7, 2), (9, 4), (2, 4)])
def test_every_row_is_in_one_shard(rows, shards):
    parts = [shard(np.arange(rows), number, shards) for number in range(shards)]

    assert sorted(np.concatenate(parts).tolist()) == list(range(rows))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("shards", [2, 3, 4])
def test_a_sum_is_the_same_to_the_last_bit_for_any_number_of_workers(shards):
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(shards, 999)) * 10.0 ** rng.integers(-6, 6, (shards, 999))).astype(
        np.float32
    )

    sums = [
        vector.tobytes()
        for world in range(1, shards + 1)
        for vector in run_group(
            world, lambda group: sum_over_shards(group, shards, lambda k: vectors[k])
        )
    ]

    assert len(set(sums)) == 1
    np.testing.assert_allclose(np.frombuffer(sums[0], np.float32), vectors.sum(0), rtol=1e-4)


def test_one_worker_has_the_shards_of_two():
    assert [shards_for(workers) for workers in (1, 2, 3)] == [2, 2, 3]
