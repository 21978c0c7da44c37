"""Plans a run: whether each task will reuse an artifact or work, and why."""

from typing import Any, NamedTuple

from stages.artifacts import Ref
from stages.config import PipelineConfig
from stages.opening import open_store
from stages.runner.estimating import estimate_stages
from stages.runner.resolve import resolve
from stages.runner.stage import task_name
from stages.runner.work import MAKES, STAGE_FACTS, describe
from stages.settings import Settings
from stages.store import Store, Work
from stages.train.cost.estimate import Estimate


class StagePlan(NamedTuple):
    """What a task will do. `action` is 'reuse' with an `artifact`, or 'work' with an estimate in
    `takes`; `why` is a sentence for people."""

    task: str
    action: str
    why: str
    artifact: Ref | None = None
    takes: Estimate | None = None


def tasks_of(pipeline: PipelineConfig) -> list[tuple[str, str]]:
    """(stage, target) of every task in order; deploy has one for each target."""
    rooms = [(stage, "") for stage in ("etl", "train", "evaluate")]
    return rooms + [("deploy", target) for target in pipeline.deploy.targets]


def plan(pipeline: PipelineConfig, settings: Settings) -> list[StagePlan]:
    """The plan of every task of `pipeline`, in order."""
    store = open_store(settings)
    pipeline = resolve(pipeline, settings)
    artifacts: dict[str, Ref] = {}
    plans: list[StagePlan] = []
    estimates = estimate_stages(pipeline, settings)
    for stage, target in tasks_of(pipeline):
        stage_plan = _plan(stage, target, pipeline, artifacts, store)
        plans.append(
            stage_plan if stage_plan.artifact else stage_plan._replace(takes=estimates[stage])
        )
        if stage_plan.artifact:
            artifacts[MAKES[stage]] = stage_plan.artifact
    return plans


def _plan(
    stage: str, target: str, pipeline: PipelineConfig, artifacts: dict[str, Ref], store: Store
) -> StagePlan:
    task = task_name(stage, target)
    needed = STAGE_FACTS[stage].inputs
    inputs = {name: artifacts[name] for name in needed if name in artifacts}
    work = describe(stage, pipeline, inputs, target)
    missing = [name for name in needed if name not in artifacts]
    reasons = [f"its {name} will be made anew" for name in missing]
    if not missing and (done := store.finished(work)):
        return StagePlan(task, "reuse", f"{done} was made from exactly this", done)
    reasons += _differences(store, f"latest/{pipeline.name}/{task}", work)
    return StagePlan(task, "work", "; ".join(reasons) or "what it made is no longer whole")


def _differences(store: Store, latest: str, work: Work) -> list[str]:
    """How `work` differs from the last work of this task, as phrases for people."""
    key = store.noted(latest)
    if not key or not store.blobs.has(f"work/{key}"):
        return ["it was never done"]
    last: dict[str, Any] = store.read_work(key)
    changed = flat_changes(last["config"], work.config)
    reasons = [f"config: {name} was {old}, is {new}" for name, (old, new) in changed.items()]
    reasons += [
        f"input: another {name}"
        for name, id in work.inputs.items()
        if last["inputs"].get(name) != id
    ]
    reasons += ["code: the stage's code changed"] if last["code"] != work.code else []
    versions = flat_changes(last["versions"], work.versions)
    return reasons + [
        f"version: {name} was {old}, is {new}" for name, (old, new) in versions.items()
    ]


def flat_changes(old: Any, new: Any, prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """Dotted key -> (old, new) for every value that differs between two tables."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return {} if old == new else {prefix.rstrip("."): (old, new)}
    changes: dict[str, tuple[Any, Any]] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        changes |= flat_changes(old.get(key), new.get(key), f"{prefix}{key}.")
    return changes
