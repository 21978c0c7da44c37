"""All stages of one pipeline in this process, one after the other."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.runner.planning import tasks_of
from stages.runner.stage import run_stage, task_name
from stages.runner.watch import Watch
from stages.runner.work import MAKES, STAGE_FACTS
from stages.runtime.errors import WorkflowError
from stages.settings import Settings


def targets_of(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The targets that a pipeline table asks for."""
    return PipelineConfig.model_validate(dict(config)).deploy.targets


def new_run_name(pipeline: str) -> str:
    """A name for a run that begins now."""
    return f"{pipeline}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"[:-3]


def run_pipeline(
    pipeline: PipelineConfig,
    *,
    run: str,
    watch: Watch | None = None,
    settings: Settings | None = None,
) -> dict[str, Ref]:
    """Run every stage and return what each task made. One target that fails holds back no other.

    Raises the first WorkflowError after all that could be done was done."""
    config = pipeline.model_dump(mode="json")
    given: dict[str, Ref] = {}
    made: dict[str, Ref] = {}
    failed: list[WorkflowError] = []
    for stage, target in tasks_of(pipeline):
        inputs = {name: given[name] for name in STAGE_FACTS[stage].inputs}
        try:
            ref = run_stage(
                stage, config, inputs, run=run, target=target, watch=watch, settings=settings
            )
        except WorkflowError as error:
            if stage != "deploy":
                raise
            failed.append(error)
            continue
        made[task_name(stage, target)] = given[MAKES[stage]] = ref
    if failed:
        raise failed[0]
    return made
