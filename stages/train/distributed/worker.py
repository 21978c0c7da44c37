"""What one worker of a process group does: it runs the loop with a context of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from stages.runtime.errors import WorkflowError
from stages.store import Store
from stages.train.distributed.checkpoints import CheckpointStore
from stages.train.distributed.own_folder import own_folder
from stages.train.distributed.process_group import PaddleGroup, ProcessGroup, SingleProcess

Metrics = dict[str, Any]
Save = Callable[[Path], None]


class TrainContext:
    """What a loop sees of its surroundings. Every worker makes the same calls in the same order.

    `barrier`: returns once all workers have called it. Between two sums of the group no worker may
    be more than 30 s behind; at the barrier it may."""

    def __init__(
        self,
        group: ProcessGroup,
        checkpoints: CheckpointStore,
        folder: Path,
        barrier: Callable[[Metrics], None],
    ) -> None:
        self.group = group
        self._checkpoints = checkpoints
        self._folder = folder
        self._barrier = barrier

    def restored(self) -> Path | None:
        """A folder with the files of the last checkpoint; None if there is none yet."""
        if not self._checkpoints.state.at:
            return None
        return self._checkpoints.fetch(self._folder / "restored")

    def report(self, metrics: Metrics, save: Save | None = None) -> None:
        """Report `metrics`, which JSON can hold, to the driver. `save` writes files into the folder
        that it is given; they are the checkpoint when this returns. Rank 0 does both, the others
        wait."""
        if self.group.rank == 0:
            self._checkpoints.report(metrics, self._folder / "saved", save)
        self._barrier(metrics)


Loop = Callable[[TrainContext, Any], None]


class LoopTask(NamedTuple):
    """`shared`: for a group, a reference into Ray's store of objects. `store`: has the checkpoints;
    a worker in another process opens it anew, by how it is pickled."""

    loop: Loop
    shared: Any
    name: str
    store: Store


def run_in_group(config: dict[str, LoopTask]) -> WorkflowError | None:
    """Run the task's loop as one of a group of Ray Train's workers.

    An error that only a person can correct is returned and not raised, because Ray Train would
    start the group again."""
    import ray
    from ray import train

    task = config["task"]
    context = train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    group = PaddleGroup(rank, world) if world > 1 else SingleProcess()
    try:
        _run(task._replace(shared=ray.get(task.shared)), group, train.report)
    except WorkflowError as error:
        if error.retry_helps:
            raise
        return error
    return None


def run_in_process(task: LoopTask, barrier: Callable[[Metrics], None]) -> None:
    """Run the task's loop in this process."""
    import paddle

    paddle.set_device("cpu")
    _run(task, SingleProcess(), barrier)


def _run(task: LoopTask, group: ProcessGroup, barrier: Callable[[Metrics], None]) -> None:
    checkpoints = CheckpointStore(task.store.blobs, task.name)
    checkpoints.rewind()
    with own_folder() as folder:
        task.loop(TrainContext(group, checkpoints, folder, barrier), task.shared)
