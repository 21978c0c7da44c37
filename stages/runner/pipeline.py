"""All stages of one pipeline in this process, one after the other."""

from datetime import UTC, datetime

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.opening import open_store
from stages.runner.lock import load_lock
from stages.runner.planning import flat_changes, tasks_of
from stages.runner.stage import run_stage, task_name
from stages.runner.watch import Watch
from stages.runner.work import MAKES, STAGE_FACTS
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings


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
    """Run every stage and return the artifact of each task. The other targets run if one fails.

    Raises ConfigError if `run` has begun with another config. The first WorkflowError of a target
    is raised after the other targets were tried."""
    settings = settings or Settings()
    refuse_another(pipeline, run, settings)
    config = pipeline.model_dump(mode="json")
    refs_by_kind: dict[str, Ref] = {}
    artifacts: dict[str, Ref] = {}
    failed: list[WorkflowError] = []
    for stage, target in tasks_of(pipeline):
        inputs = {name: refs_by_kind[name] for name in STAGE_FACTS[stage].inputs}
        try:
            ref = run_stage(
                stage, config, inputs, run=run, target=target, watch=watch, settings=settings
            )
        except WorkflowError as error:
            if stage != "deploy":
                raise
            failed.append(error)
            continue
        artifacts[task_name(stage, target)] = refs_by_kind[MAKES[stage]] = ref
    if failed:
        raise failed[0]
    return artifacts


def refuse_another(pipeline: PipelineConfig, run: str, settings: Settings) -> None:
    """Raise ConfigError unless `run` is new or was begun with this very pipeline.

    Each key may have the requested value or the resolved one."""
    lock = load_lock(run, open_store(settings))
    if lock is None:
        return
    config = pipeline.model_dump(mode="json")
    unlike_resolved = flat_changes(lock.config, config)
    changed = [
        key for key in flat_changes(lock.requested or lock.config, config) if key in unlike_resolved
    ]
    if changed:
        raise ConfigError(
            f"The run {run} was begun with another {', '.join(changed)}.",
            "Give another --name, or none: what was done before is found again all the same.",
        )
