"""Estimates what each task of a run takes before it begins, and measures what it took.

Stages other than train are estimated roughly, in seconds on the reference machine (two cores)."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from stages.config import PipelineConfig
from stages.etl import source
from stages.opening import resources_of
from stages.resources import LOCAL
from stages.runner.measuring import measuring
from stages.runner.room import check_room, occupied, room_of
from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train import trainer_of
from stages.train.cost.estimate import Estimate, weight_bytes
from stages.train.distributed.memory import MB
from stages.train.distributed.process_folder import check_sockets
from stages.train.search.search_space import inputs_of

BEFORE_RAY = ("etl", "train")
STAGES = ("etl", "train", "evaluate", "deploy")
READING = 0.02  # a sample: read, checked, its thumbnail drawn
ANSWERING = 0.05  # a sample of the test split: prepared, answered, drawn on the page
STARTING = {"etl": 8.0, "evaluate": 12.0, "deploy": 25.0}  # seconds: libraries, the page, exports
# Of a stage's own process, measured on sets of 47 to 2,624 samples: it does not grow with them. For
# deploy it is that of the first target, which exports and compresses; later ones take half.
MEMORY = {"etl": 430 * MB, "evaluate": 1150 * MB, "deploy": 2850 * MB}
AIRFLOW = 250 * MB  # its libraries, where the stage runs in a task of Airflow
PAGES = 8 * MB  # a report with its pictures
PACKED = 6  # times a network's weights: graphs before and after they were compressed, the package


def estimate_stages(pipeline: PipelineConfig, settings: Settings) -> dict[str, Estimate]:
    """Estimate each stage of a resolved `pipeline`, if no finished work can be reused.

    The estimate of deploy is for one target."""
    found = source.find(pipeline.data, settings)
    samples = found.training_samples(pipeline.etl.splits.test)
    train = trainer_of(pipeline.task).estimate(
        pipeline.train, samples, pipeline.etl.views, resources_of(settings)
    )
    weights = max(weight_bytes(pipeline.train, each) for each in inputs_of(pipeline.train))
    local = not settings.store
    tested = found.samples - samples
    pages = PAGES * local
    files = found.samples * local
    stored = occupied(found.bytes * local, files, settings.root) + pages
    return {
        "etl": _plain("etl", READING * found.samples, stored, settings)._replace(files=files),
        "train": here(train, settings),
        "evaluate": _plain("evaluate", ANSWERING * tested, pages, settings),
        "deploy": _plain("deploy", ANSWERING * tested, PACKED * weights, settings),
    }


@contextmanager
def accounted(
    stage: str,
    task: str,
    run: str,
    pipeline: PipelineConfig,
    *,
    tracked_run: Run,
    store: Store,
    settings: Settings,
) -> Iterator[None]:
    """Check that there is room for a task and those after it, then measure the block.

    Both the estimate and the measured figures are recorded. A task that was begun before is not
    refused, since part of what it needs is there already. Raises InfrastructureError if there is
    no room, ConfigError if Ray could not be started for the training."""
    account = Account(run, store)
    estimates = account.estimates(pipeline, settings)
    if task not in account.tasks:
        if settings.ray == "local" and stage in BEFORE_RAY:
            check_sockets()
        check_room(_from(stage, estimates, pipeline), room_of(settings), settings.root)
    account.begin(task, estimates.get(stage))
    with measuring(settings.root) as taken:
        yield
    account.end(task, taken())
    tracked_run.log_metrics(_compared(estimates.get(stage), taken()))


class Account:
    """The note of a run: the estimate of each stage and what each task took."""

    def __init__(self, run: str, store: Store) -> None:
        self.name, self.store = f"estimates/{run}", store
        self.note: dict[str, Any] = store.noted(self.name) or {"tasks": {}}

    @property
    def tasks(self) -> dict[str, Any]:
        """The notes of the tasks that have begun, by task."""
        return self.note["tasks"]  # type: ignore[no-any-return]

    def estimates(self, pipeline: PipelineConfig, settings: Settings) -> dict[str, Estimate]:
        """The estimates by stage; empty if the raw data is not available to be counted."""
        if "estimated" not in self.note:
            try:
                estimates = estimate_stages(pipeline, settings)
            except WorkflowError:
                return {}
            self.note["estimated"] = {
                stage: estimate._asdict() for stage, estimate in estimates.items()
            }
        return {stage: Estimate(**fields) for stage, fields in self.note["estimated"].items()}

    def begin(self, task: str, estimate: Estimate | None) -> None:
        """Note that `task` begins."""
        self._keep(task, {"estimated": estimate._asdict() if estimate else None})

    def end(self, task: str, taken: Estimate) -> None:
        """Note what `task` took."""
        self._keep(task, {**self.tasks[task], "taken": taken._asdict()})

    def _keep(self, task: str, record: dict[str, Any]) -> None:
        self.tasks[task] = record
        self.store.note(self.name, self.note)


def _from(
    stage: str, estimates: Mapping[str, Estimate], pipeline: PipelineConfig
) -> list[Estimate]:
    """The estimates of `stage` and all later stages, deploy once for each target."""
    later = STAGES[STAGES.index(stage) :]
    times = {"deploy": len(pipeline.deploy.targets)}
    return [
        estimates[name] for name in later if name in estimates for _ in range(times.get(name, 1))
    ]


def _compared(estimate: Estimate | None, taken: Estimate) -> dict[str, float]:
    """Metrics for MLflow: the estimate beside the measured figures."""
    sides = {"actual": taken, **({"estimate": estimate} if estimate else {})}
    units = {"minutes": ("minutes", 1), "memory": ("memory_mb", 1e6), "disk": ("disk_mb", 1e6)}
    return {
        f"{side}_{name}": round(getattr(figures, field) / unit, 3)
        for side, figures in sides.items()
        for field, (name, unit) in units.items()
    }


def here(train: Estimate, settings: Settings) -> Estimate:
    """The part of `train` that this machine has to provide. On a cluster Ray finds room for the
    workers; the driver of a Ray Job runs there, too."""
    if settings.ray == LOCAL:
        return train
    if settings.job_address:
        return Estimate(train.minutes, disk=0 if settings.store else train.disk)
    return train._replace(memory=train.driver)


def _plain(stage: str, seconds: float, disk: int, settings: Settings) -> Estimate:
    minutes = (STARTING[stage] + seconds) / 60 / settings.machine_speed
    in_task = AIRFLOW if "airflow.sdk" in sys.modules else 0
    return Estimate(minutes, MEMORY[stage] + in_task, disk)
