"""The driver's side: start the workers, hear what they report, give the last checkpoint."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.opening import open_store
from stages.runtime.errors import InfrastructureError, WorkflowError
from stages.settings import Settings
from stages.train.cluster import cluster
from stages.train.room import MB, check_room, worker_bytes
from stages.train.team.desk import Loop, Metrics
from stages.train.team.keeping import Kept
from stages.train.team.working import Task, work, work_alone

LISTEN = 0.3  # seconds between two looks at what was reported
EACH = 512 * MB
FAILURES = 3  # of the group, that are mended by beginning again at the last checkpoint

Tell = Callable[[Metrics], None]


def team(
    loop: Loop,
    shared: Any,
    *,
    workers: int,
    name: str,
    settings: Settings,
    tell: Tell,
    each: int = EACH,
) -> Path:
    """Run `loop(desk, shared)` on as many as `workers` workers joined in one group, and give the
    folder of the last checkpoint, which is this function's until it is called again.

    `loop`: a function that workers can import; `shared`: what all of them read, in Ray's store of
    objects once a machine, its arrays cannot be written to; `each`: bytes that a worker takes for
    itself beside Paddle and these. `tell` hears every report of rank 0,
    from the first one on, also if they were made before a restart. A second start with the same
    `name` goes on from the last checkpoint, and gives at once what was finished.

    One worker on this machine is this very process. A worker that dies costs what was done since
    the last checkpoint: the group begins there again, with fewer workers if there is no room for
    all. Raises InfrastructureError if it dies again and again, or what the loop raised if that is a
    WorkflowError."""
    settings = settings.model_copy(update={"workspace": settings.root})
    blobs = open_store(settings).blobs
    ear = Ear(Kept(blobs, name), tell)
    if not ear.kept.state.finished:
        task = Task(loop, shared, name, settings)
        if workers == 1 and settings.ray == "local":
            work_alone(task, lambda _: ear.hear())
        else:
            _run(task, _scaling(workers, settings, each), ear)
        ear.kept.finish()
    ear.hear()
    return Kept(blobs, name).fetch(settings.root / "teams" / name)


class Ear:
    """Hears what is reported, each report once, and passes it on to `tell`."""

    def __init__(self, kept: Kept, tell: Tell) -> None:
        self.kept = kept
        self.tell = tell
        self.heard = 0

    def hear(self) -> None:
        """Pass on all that is new. After a restart, what is reported anew is not new."""
        for metrics in self.kept.read().reports[self.heard :]:
            self.tell(metrics)
            self.heard += 1


def _scaling(workers: int, settings: Settings, each: int) -> Any:
    """At best `workers`, and fewer if there is no room for all."""
    from ray.train import ScalingConfig

    wanted = {"CPU": 1.0, "memory": float(worker_bytes(each))} | (
        {"GPU": 1.0} if settings.gpus else {}
    )
    return ScalingConfig(
        num_workers=(1, workers), resources_per_worker=wanted, use_gpu=settings.gpus > 0
    )


def _run(task: Task, scaling: Any, ear: Ear) -> None:
    import ray

    with cluster(task.settings, _bytes(task.shared), opened="") as folder:
        check_room(ray.nodes(), scaling.resources_per_worker)
        task = task._replace(shared=ray.put(task.shared))
        trainer = _trainer(task, scaling, folder)
        failure = _beside(trainer.fit, ear.hear)
    if failure:
        raise _told(failure, task.name) from failure


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


def _beside(work: Callable[[], Any], look: Callable[[], None]) -> Exception | None:
    """Do `work` in a thread and `look` again and again meanwhile; give what `work` raised.

    `work` is not in the main thread, as Ray would take Ctrl-C for itself there."""
    failures: list[Exception] = []

    def done() -> None:
        try:
            work()
        except Exception as failure:  # told where somebody can act on it
            failures.append(failure)

    thread = threading.Thread(target=done, daemon=True)
    thread.start()
    while thread.is_alive():
        look()
        thread.join(LISTEN)
    return failures[0] if failures else None


def _told(failure: Exception, name: str) -> WorkflowError:
    """What the loop raised, if a person has to act on it; else that the group failed."""
    alone = getattr(failure, "controller_failure", None)
    for one in (alone, *getattr(failure, "worker_failures", {}).values()):
        cause = getattr(one, "cause", one)
        if isinstance(cause, WorkflowError):
            return cause
    return InfrastructureError(
        f"The workers that teach {name} failed {FAILURES + 1} times: {failure}.",
        "Free some memory, or set train.workers to 1; run again to go on from the last checkpoint.",
    )


def _bytes(shared: Any) -> int:
    import pickle

    buffers: list[pickle.PickleBuffer] = []
    size = len(pickle.dumps(shared, protocol=5, buffer_callback=buffers.append))
    return size + sum(one.raw().nbytes for one in buffers)
