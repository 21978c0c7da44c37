"""Workers joined by Paddle: gloo between processors, NCCL between graphics processors."""

from typing import Any

from stages.train.distributed.group import Floats


class Together:
    """A group over `paddle.distributed`.

    gloo lets nobody wait for another one longer than 30 s, and ends the process then; work that
    takes longer (on one worker alone) belongs into `Desk.report`."""

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
