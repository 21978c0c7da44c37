"""Ray Train's part: a group of workers that is mended when one of them dies."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.opening import open_store
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.train.cluster import cluster
from stages.train.room import check_room, worker_bytes
from stages.train.team.keeping import Kept
from stages.train.team.working import Task, work

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
            failure, result = _beside(_trainer(task, scaling, folder).fit, listen)
            if failure is None:
                return _raise(result.return_value)
            _raise(_own(failure))
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

    from stages.train.team.backend import PaddleConfig, PaddleTrainer

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


def _beside(work: Callable[[], Any], look: Callable[[], None]) -> tuple[Exception | None, Any]:
    """Do `work` in a thread and `look` again and again meanwhile; what `work` raised, and gave.

    `work` is not in the main thread, as Ray would take Ctrl-C for itself there."""
    done: list[tuple[Exception | None, Any]] = []

    def do() -> None:
        try:
            done.append((None, work()))
        except Exception as failure:  # told where somebody can act on it
            done.append((failure, None))

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    while thread.is_alive():
        look()
        thread.join(LISTEN)
    return done[0]


def _own(failure: Exception) -> WorkflowError | None:
    """An error of ours among those that made the group fail."""
    alone = getattr(failure, "controller_failure", None)
    ended = (alone, *getattr(failure, "worker_failures", {}).values())
    causes = [getattr(one, "cause", one) for one in ended]
    return next((one for one in causes if isinstance(one, WorkflowError)), None)


def _raise(error: WorkflowError | None) -> None:
    if error is not None:
        raise error


def _bytes(shared: Any) -> int:
    """What `shared` takes in Ray's store of objects."""
    from ray import cloudpickle

    buffers: list[Any] = []
    size = len(cloudpickle.dumps(shared, protocol=5, buffer_callback=buffers.append))
    return size + int(sum(one.raw().nbytes for one in buffers))
