"""What a worker does: sit down at its desk and run the loop."""

from collections.abc import Callable
from typing import Any, NamedTuple

from stages.opening import open_store
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.train.distributed.checkpoints import Kept
from stages.train.distributed.context import Desk, Loop, Metrics
from stages.train.distributed.group import Alone, Group
from stages.train.distributed.own_folder import own_folder


class Task(NamedTuple):
    """`shared`: for a group, a reference into Ray's store of objects."""

    loop: Loop
    shared: Any
    name: str
    settings: Settings


def work(config: dict[str, Task]) -> WorkflowError | None:
    """Run the task's loop as one of a group of Ray Train's workers. What only a person can mend is
    given, not raised: the group would begin again."""
    import ray
    from ray import train

    from stages.train.distributed.process_group import Together

    task = config["task"]
    context = train.get_context()
    rank, world = context.get_world_rank(), context.get_world_size()
    group = Together(rank, world) if world > 1 else Alone()
    try:
        _sit(task._replace(shared=ray.get(task.shared)), group, train.report)
    except WorkflowError as error:
        if error.retry_helps:
            raise
        return error
    return None


def work_alone(task: Task, wait: Callable[[Metrics], None]) -> None:
    """Run the task's loop in this process."""
    import paddle

    paddle.set_device("cpu")
    _sit(task, Alone(), wait)


def _sit(task: Task, group: Group, wait: Callable[[Metrics], None]) -> None:
    kept = Kept(open_store(task.settings).blobs, task.name)
    kept.again()
    with own_folder() as folder:
        task.loop(Desk(group, kept, folder, wait), task.shared)
