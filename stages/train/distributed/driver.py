"""The driver's side: who works, what they report, and what is given at the end."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stages.opening import open_store
from stages.runtime.files import alone
from stages.settings import Settings
from stages.train.distributed.checkpoints import Kept
from stages.train.distributed.context import Loop, Metrics
from stages.train.distributed.ray_group import work_together
from stages.train.distributed.room import MB
from stages.train.distributed.worker_loop import Task, work_alone

EACH = 512 * MB

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
    itself beside Paddle and these. `tell` hears every report of rank 0 from the first one on, also
    those that were made before a restart. A second start with the same `name` goes on from the last
    checkpoint, and gives at once what was finished; of two starts at a time, one waits.

    One worker on this machine is this very process. A worker that dies costs what was done since
    the last checkpoint: the group begins there again, with fewer workers if there is no room for
    all. Raises InfrastructureError if it dies again and again, or what the loop raised if that is a
    WorkflowError."""
    settings = settings.model_copy(update={"workspace": settings.root})
    blobs, home = open_store(settings).blobs, settings.root / "teams"
    with alone(home / f".{name}.lock"):
        ear = Ear(Kept(blobs, name), tell)
        if not ear.kept.state.finished:
            task = Task(loop, shared, name, settings)
            if workers == 1 and settings.ray == "local":
                work_alone(task, lambda _: ear.hear())
            else:
                work_together(task, workers, each, ear.hear)
            ear.kept.finish()
        ear.hear()
        return Kept(blobs, name).fetch(home / name)


def release(name: str, settings: Settings) -> None:
    """Note that the model that came of the team `name` is saved: what is kept of it may soon go."""
    Kept(open_store(settings).blobs, name).done()
    shutil.rmtree(settings.root / "teams" / name, ignore_errors=True)


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
