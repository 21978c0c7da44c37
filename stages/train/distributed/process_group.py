"""Lets the workers that train one model exchange vectors and values. Paddle connects them: with
gloo between CPUs, with NCCL between GPUs."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class ProcessGroup(Protocol):
    """All workers that train one model, as one of them sees them. `rank`: this worker's number,
    from 0; `world`: the number of workers. Every worker makes the same calls in the same order, and
    each call returns once all have made it."""

    rank: int
    world: int

    def sum(self, vector: Floats) -> Floats:
        """The sum of all workers' vectors [n], equal for every worker."""
        ...

    def gather(self, value: Any) -> list[Any]:
        """The values of all workers, by rank; `value` is this worker's, and can be pickled."""
        ...


class SingleProcess:
    """A group of one worker."""

    rank = 0
    world = 1

    def sum(self, vector: Floats) -> Floats:
        return vector

    def gather(self, value: Any) -> list[Any]:
        return [value]


class PaddleGroup:
    """A group over `paddle.distributed`, which this process has joined (`backend.py`).

    With gloo a worker waits at most 30 s for another one, and then its process ends. Work that one
    worker does alone for longer belongs into `TrainContext.report`."""

    def __init__(self, rank: int, world: int) -> None:
        self.rank = rank
        self.world = world

    def sum(self, vector: Floats) -> Floats:
        import paddle
        import paddle.distributed as dist

        tensor = paddle.to_tensor(vector)
        dist.all_reduce(tensor)
        total: Floats = tensor.numpy()
        return total

    def gather(self, value: Any) -> list[Any]:
        import paddle.distributed as dist

        values: list[Any] = []
        dist.all_gather_object(values, value)
        return values
