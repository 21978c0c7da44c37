"""Runs a training loop on one worker of a process group."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from stages.runtime.errors import WorkflowError
from stages.store import Store
from stages.train.distributed.checkpoints import CheckpointStore
from stages.train.distributed.process_folder import process_folder
from stages.train.distributed.process_group import PaddleGroup, ProcessGroup, SingleProcess

Metrics = dict[str, Any]
Save = Callable[[Path], None]


class TrainContext:
    """What a training loop may use: the group of workers, and its checkpoint. Every worker makes
    the same calls in the same order.

    `folder`: of this worker alone, for the checkpoint's files; `barrier`: returns once all workers
    have called it with their metrics. A worker may be more than 30 s late at the barrier, but not
    at a sum of the group."""

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
        """A folder with the files of the last checkpoint; None if there is none yet. Raises Damaged
        if the checkpoint is lost."""
        if not self._checkpoints.state.at:
            return None
        return self._checkpoints.fetch(self._folder / "restored")

    def report(self, metrics: Metrics, save: Save | None = None) -> None:
        """Report `metrics`, which JSON can hold, to the driver, and save a checkpoint if `save` is
        given: `save(folder)` writes its files. Rank 0 does both; all workers wait for it, so this
        is a barrier, too."""
        if self.group.rank == 0:
            self._checkpoints.report(metrics, self._folder / "saved", save)
        self._barrier(metrics)


Loop = Callable[[TrainContext, Any], None]


class LoopTask(NamedTuple):
    """A loop to run, on each worker: `loop(context, shared)`. `shared`: the data; for workers of
    Ray, a reference to it in Ray's object store. `name`: of the loop's checkpoints in `store`,
    which a worker in another process opens again when it unpickles this."""

    loop: Loop
    shared: Any
    name: str
    store: Store


def run_in_group(config: dict[str, LoopTask]) -> WorkflowError | None:
    """Run the loop of `config["task"]` as one worker of Ray Train's group.

    A WorkflowError that a repetition does not mend is returned and not raised, because Ray Train
    would start the group again."""
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
    """Run the task's loop in this process alone, on the CPU."""
    import paddle

    paddle.set_device("cpu")
    _run(task, SingleProcess(), barrier)


def _run(task: LoopTask, group: ProcessGroup, barrier: Callable[[Metrics], None]) -> None:
    checkpoints = CheckpointStore(task.store.blobs, task.name)
    checkpoints.rewind()
    with process_folder() as folder:
        task.loop(TrainContext(group, checkpoints, folder, barrier), task.shared)
