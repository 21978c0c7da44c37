"""What a run tells of its stage beyond what the stage itself may see."""

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.runner.watch import Watch
from stages.store import Store
from stages.tracking import Run


def before(stage: str, pipeline: PipelineConfig, kept: Run, watch: Watch) -> None:
    """Tell a person and the tracker which families and inputs the search leaves out, and why: the
    search itself knows only that they are not there."""
    if stage != "train":
        return
    for line in pipeline.train.told():
        watch.say(line)
    kept.log_tags({f"left_out.{name}": why for name, why in pipeline.train.left_out.items()})
    device = pipeline.train.device
    if not device.measured:
        return
    for line in device.told():
        watch.say(line)
    taking_part = [one.input for one in device.measured if not one.why]
    kept.log_params({"device": device.asked.model_dump(), "inputs": taking_part})
    kept.log_tags({f"left_out.{one.input}": one.why for one in device.measured if one.why})


def after(made: Ref, pipeline: PipelineConfig, kept: Run, store: Store) -> None:
    """Keep the page of all trials beside the search's own run."""
    if made.kind != "model":
        return
    from stages.evaluate.trials import page_of

    html = page_of(store.load(made), pipeline.train.device, store)
    if html:
        kept.log_file("trials.html", html.encode())
