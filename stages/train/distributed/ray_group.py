"""Ray Train's part: a group of workers that is mended when one of them dies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from stages.opening import open_store
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.train.distributed.checkpoints import Kept
from stages.train.distributed.cluster import cluster
from stages.train.distributed.room import check_room, worker_bytes
from stages.train.distributed.worker_loop import Task, work

LISTEN = 0.3  # seconds between two looks at what was reported
FAILURES = 3  # of the group without a new checkpoint, that are mended


def work_together(task: Task, workers: int, each: int, listen: Callable[[], None]) -> None:
    """Run the task on as many as `workers` Ray workers, each of which takes `each` bytes for
    itself; `listen` is called meanwhile. Raises what `team` says."""
    import ray

    scaling = _scaling(workers, task.settings, each)
    with cluster(task.settings, _bytes(task.shared), opened="") as folder:
        check_room(ray.nodes(), scaling.resources_per_worker)
        task = task._replace(shared=ray.put(task.shared))
        failure, at = None, -1
        while _checkpoint(task) > at:  # it came further than the time before
            at = _checkpoint(task)
            failure = _fitted(task, scaling, folder, listen)
            if failure is None:
                return
            if isinstance(failure, WorkflowError):
                raise failure
    raise InfrastructureError(
        f"The workers that teach {task.name} died {FAILURES + 1} times: {failure}.",
        "Free some memory, or set train.workers to 1; run again to go on from the last checkpoint.",
    ) from failure


def _checkpoint(task: Task) -> int:
    return Kept(open_store(task.settings).blobs, task.name).state.at


def _scaling(workers: int, settings: Settings, each: int) -> Any:
    """At best `workers`, and fewer if there is no room for all."""
    from ray.train import ScalingConfig

    if settings.ray == "local":
        workers = min(workers, settings.threads)  # whatever Ray is here already
    wanted = {"CPU": 1.0, "memory": float(worker_bytes(each))} | (
        {"GPU": 1.0} if settings.gpus else {}
    )
    return ScalingConfig(
        num_workers=(1, workers), resources_per_worker=wanted, use_gpu=settings.gpus > 0
    )


def _trainer(task: Task, scaling: Any, folder: Path) -> Any:
    from ray import train

    from stages.train.distributed.backend import PaddleConfig, PaddleTrainer

    return PaddleTrainer(
        work,
        train_loop_config={"task": task},
        paddle_config=PaddleConfig(host="127.0.0.1" if task.settings.ray == "local" else ""),
        scaling_config=scaling,
        run_config=train.RunConfig(
            name="team",
            storage_path=str(folder / "train"),
            failure_config=train.FailureConfig(max_failures=FAILURES),
        ),
    )


def _fitted(task: Task, scaling: Any, folder: Path, listen: Callable[[], None]) -> Exception | None:
    """Run Ray Train once to its end, and call `listen` meanwhile; what failed.

    It runs in a task of Ray's, on this machine. In the main thread Ray Train would take Ctrl-C for
    itself; in another thread it would go on using Ray while it is shut down, and Ray ends a process
    that does so before what it started can be ended."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    fit = ray.remote(num_cpus=0, max_retries=0)(_fit)
    running = fit.options(scheduling_strategy=here).remote(task, scaling, folder)
    while not ray.wait([running], timeout=LISTEN)[0]:
        listen()
    try:
        return cast("Exception | None", ray.get(running))
    except ray.exceptions.RayError as died:
        return RuntimeError(str(died))


def _fit(task: Task, scaling: Any, folder: Path) -> Exception | None:
    """What made the group fail: an error of ours if there is one among its errors."""
    try:
        given: WorkflowError | None = _trainer(task, scaling, folder).fit().return_value
    except Exception as failure:  # raised where somebody can act on it
        return _own(failure) or RuntimeError(str(failure))
    return given


def _own(failure: Exception) -> WorkflowError | None:
    """An error of ours among those that made the group fail."""
    alone = getattr(failure, "controller_failure", None)
    ended = (alone, *getattr(failure, "worker_failures", {}).values())
    causes = [getattr(one, "cause", one) for one in ended]
    return next((one for one in causes if isinstance(one, WorkflowError)), None)


def _bytes(shared: Any) -> int:
    """What `shared` takes in Ray's store of objects."""
    from ray import cloudpickle

    buffers: list[Any] = []
    size = len(cloudpickle.dumps(shared, protocol=5, buffer_callback=buffers.append))
    return size + int(sum(one.raw().nbytes for one in buffers))
