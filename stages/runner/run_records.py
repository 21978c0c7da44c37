"""Records in a run what the stage itself cannot see: excluded families and the trials' page."""

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.runner.watch import Watch
from stages.store import Store
from stages.tracking import Run


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
