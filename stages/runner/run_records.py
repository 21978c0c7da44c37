"""Records in a run what a stage cannot see: the keys that were set, the figures by
which runs are compared, excluded families and the trials' page."""

from typing import Any

from stages.artifacts import Artifact, Package, Ref, Report
from stages.config import PipelineConfig
from stages.evaluate.kinds import kind_of
from stages.runner.watch import Watch
from stages.store import Store
from stages.tracking import Run
from stages.tracking.mlflow_run import MlflowRun


def requested(pipeline: PipelineConfig) -> dict[str, Any]:
    """The keys of `pipeline` by which a person tells two runs apart in MLflow's comparison."""
    return {
        "task": pipeline.task,
        "data": pipeline.data.name,
        "revision": pipeline.data.revision,
        "budget_minutes": pipeline.train.budget_minutes,
        "families": ", ".join(pipeline.train.families),
        "gate": ", ".join(f"{name}={least}" for name, least in pipeline.evaluate.gate.items()),
        "seed": pipeline.train.seed,
    }


def log_headline(artifact: Artifact, task: str, run: MlflowRun) -> None:
    """Record the first metric of `task` that a report or package has, with its interval, in the
    pipeline's run.

    The names begin with the metric, so that MLflow, which sorts by name, shows them first."""
    if not isinstance(artifact, Report | Package):
        return
    of = "model" if isinstance(artifact, Report) else f"package_{artifact.target}"
    first = kind_of(task).headline[0]
    if first in artifact.overall:
        measure = artifact.overall[first]
        bounds = {"": measure.value, "_low": measure.low, "_high": measure.high}
        run.log_summary({f"{first}/{of}{bound}": value for bound, value in bounds.items()})


def log_selection(stage: str, pipeline: PipelineConfig, run: Run, watch: Watch) -> None:
    """Report and record which families and inputs the search excludes, and why.

    The search itself gets only those that are left."""
    if stage != "train":
        return
    for line in pipeline.train.notices():
        watch.notify(line)
    run.log_tags({f"excluded.{name}": why for name, why in pipeline.train.excluded.items()})
    device = pipeline.train.device
    if not device.measured:
        return
    for line in device.notices():
        watch.notify(line)
    selected = [measured.input for measured in device.measured if not measured.why]
    run.log_params({"device": device.requested.model_dump(), "inputs": selected})
    run.log_tags(
        {f"excluded.{measured.input}": measured.why for measured in device.measured if measured.why}
    )


def log_trials_page(ref: Ref, pipeline: PipelineConfig, run: Run, store: Store) -> None:
    """Attach the page of all trials to the run of train."""
    if ref.kind != "model":
        return
    from stages.evaluate.trials import page_of

    html = page_of(store.load(ref), pipeline.train.device, store)
    if html:
        run.log_file("trials.html", html.encode())
