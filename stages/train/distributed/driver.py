"""Drives a process group: starts its workers, passes their reports on, and returns the last
checkpoint."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from stages.resources import Resources
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.runtime.files import alone
from stages.store import Store
from stages.train.distributed.checkpoints import CheckpointStore
from stages.train.distributed.cluster import cluster
from stages.train.distributed.memory import MB, worker_bytes
from stages.train.distributed.room import check_room
from stages.train.distributed.worker import (
    Loop,
    LoopTask,
    Metrics,
    run_in_group,
    run_in_process,
)

WORKER_MEMORY = 512 * MB  # that a worker allocates beside Paddle, where the caller does not say
CHECKPOINTS = "checkpoints"  # folder in the scratch folder: each loop's last checkpoint as files
POLL_SECONDS = 0.3  # between two reads of the reports
MAX_FAILURES = 3  # restarts of a group by one fit of Ray Train; a new fit needs a new checkpoint


def run_distributed(
    loop: Loop,
    shared: Any,
    *,
    workers: int,
    name: str,
    store: Store,
    resources: Resources,
    on_report: Callable[[Metrics], None],
    memory: int = WORKER_MEMORY,
) -> Path:
    """Run `loop(context, shared)` on at most `workers` workers that are joined in one group; return
    the folder with the files of the last checkpoint. The next call with this `name` rewrites it.

    `loop`: a function that workers can import; `shared`: what all of them read; it is put into
    Ray's object store once on each machine, so its arrays are read-only; `memory`: bytes that a
    worker allocates beside Paddle and `shared`. `on_report` gets every report of rank 0 from the
    first one on, also those from before a restart. A second start with the same `name` resumes from
    the last checkpoint, or returns it at once if the loop has finished; of two starts at the same
    time, one waits for the other.

    A single worker on this machine runs in this process, without Ray. A worker that dies costs the
    work since the last checkpoint: the group starts again there, with fewer workers if there is no
    room for all. Raises InfrastructureError if workers die again and again, or if there is no room
    for one, Damaged if the last checkpoint is lost, and a WorkflowError that the loop raised."""
    blobs, home = store.blobs, resources.scratch / CHECKPOINTS
    with alone(home / f".{name}.lock"):
        listener = ReportListener(CheckpointStore(blobs, name), on_report)
        if not listener.checkpoints.state.finished:
            task = LoopTask(loop=loop, shared=shared, name=name, store=store)
            if workers == 1 and not resources.on_cluster:
                run_in_process(task, lambda _: listener.poll())
            else:
                _run_on_ray(task, resources, workers, memory, listener.poll)
            listener.checkpoints.finish()
        listener.poll()
        return CheckpointStore(blobs, name).fetch(home / name)


def release(name: str, store: Store, resources: Resources) -> None:
    """Let the checkpoint of the loop `name` expire, and delete its files in the scratch folder: the
    loop's model is saved."""
    CheckpointStore(store.blobs, name).done()
    shutil.rmtree(resources.scratch / CHECKPOINTS / name, ignore_errors=True)


class ReportListener:
    """Passes each report of a loop on to `on_report`, once."""

    def __init__(self, checkpoints: CheckpointStore, on_report: Callable[[Metrics], None]) -> None:
        self.checkpoints = checkpoints
        self.on_report = on_report
        self.passed_on = 0

    def poll(self) -> None:
        """Pass on the reports since the last call. A report that a restarted group makes again is
        not passed on again."""
        for metrics in self.checkpoints.read().reports[self.passed_on :]:
            self.on_report(metrics)
            self.passed_on += 1


def _run_on_ray(
    task: LoopTask, resources: Resources, workers: int, memory: int, poll: Callable[[], None]
) -> None:
    """Run the task on at most `workers` workers of Ray Train, and call `poll` meanwhile."""
    import ray

    scaling = _scaling(workers, resources, memory)
    host = "" if resources.on_cluster else "127.0.0.1"
    # The group's workers alone need Paddle, so Ray's processes do not import it beforehand. (Within
    # the `cluster` of a search, which has done so, this has no effect.)
    with cluster(resources, _object_bytes(task.shared), preload="") as folder:
        check_room(ray.nodes(), scaling.resources_per_worker)
        task = task._replace(shared=ray.put(task.shared))
        failure, reached = None, -1
        while _checkpoint(task) > reached:  # it came further than the time before
            reached = _checkpoint(task)
            failure = _fit_in_task(task, scaling, host, folder, poll)
            if failure is None:
                return
            if isinstance(failure, WorkflowError):
                raise failure
    raise InfrastructureError(
        f"The workers that train {task.name} died {MAX_FAILURES + 1} times: {failure}.",
        "Free some memory, or set train.workers to 1; run again to go on from the last checkpoint.",
    ) from failure


def _checkpoint(task: LoopTask) -> int:
    """The number of reports at the last checkpoint, which tells checkpoints apart."""
    return CheckpointStore(task.store.blobs, task.name).state.at


def _scaling(workers: int, resources: Resources, memory: int) -> Any:
    """Ray Train's ScalingConfig: at most `workers` workers of one core each, fewer if there is no
    room for all. `memory`: bytes that each allocates beside Paddle."""
    from ray.train import ScalingConfig

    if not resources.on_cluster:
        workers = min(workers, resources.cores)  # an outer cluster may have more
    wanted = {"CPU": 1.0, "memory": float(worker_bytes(memory))} | (
        {"GPU": 1.0} if resources.gpus else {}
    )
    return ScalingConfig(
        num_workers=(1, workers), resources_per_worker=wanted, use_gpu=resources.gpus > 0
    )


def _fit_in_task(
    task: LoopTask, scaling: Any, host: str, folder: Path, poll: Callable[[], None]
) -> Exception | None:
    """Run Ray Train once to its end, and call `poll` every POLL_SECONDS meanwhile; return what made
    it fail, or None.

    It runs in a task of Ray's, on this machine. In the main thread Ray Train would take Ctrl-C for
    itself. In another thread it would use Ray while it is shut down, and Ray ends a process that
    does so before it can end what it started."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    fit = ray.remote(num_cpus=0, max_retries=0)(_fit)
    running = fit.options(scheduling_strategy=here).remote(task, scaling, host, folder)
    while not ray.wait([running], timeout=POLL_SECONDS)[0]:
        poll()
    try:
        return cast("Exception | None", ray.get(running))
    except ray.exceptions.RayError as died:
        return RuntimeError(str(died))


def _fit(task: LoopTask, scaling: Any, host: str, folder: Path) -> Exception | None:
    """Fit Ray Train's trainer; runs in a task of Ray's. Returns what made the group fail, a
    WorkflowError if there is one among its errors, or None."""
    try:
        error: WorkflowError | None = _trainer(task, scaling, host, folder).fit().return_value
    except Exception as failure:  # raised where somebody can act on it
        return _workflow_error(failure) or RuntimeError(str(failure))
    return error


def _trainer(task: LoopTask, scaling: Any, host: str, folder: Path) -> Any:
    from ray import train

    from stages.train.distributed.backend import PaddleConfig, PaddleTrainer

    return PaddleTrainer(
        run_in_group,
        train_loop_config={"task": task},
        paddle_config=PaddleConfig(host=host),
        scaling_config=scaling,
        run_config=train.RunConfig(
            name="train",
            storage_path=str(folder / "train"),
            failure_config=train.FailureConfig(max_failures=MAX_FAILURES),
        ),
    )


def _workflow_error(failure: Exception) -> WorkflowError | None:
    """The WorkflowError among the errors that made the group fail."""
    controller = getattr(failure, "controller_failure", None)
    failures = (controller, *getattr(failure, "worker_failures", {}).values())
    causes = [getattr(error, "cause", error) for error in failures]
    return next((cause for cause in causes if isinstance(cause, WorkflowError)), None)


def _object_bytes(shared: Any) -> int:
    """The bytes that `shared` takes in Ray's object store."""
    from ray import cloudpickle

    buffers: list[Any] = []
    size = len(cloudpickle.dumps(shared, protocol=5, buffer_callback=buffers.append))
    return size + int(sum(buffer.raw().nbytes for buffer in buffers))
