"""aiwf run, plan, stage, reproduce."""

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from stages.config import PipelineConfig, named_pipeline, read_pipeline
from stages.runtime.errors import ConfigError, WorkflowError
from stages.settings import Settings

Pipeline = Annotated[
    Path, typer.Argument(help="The pipeline's YAML, or its name.", show_default=False)
]
Changes = Annotated[
    list[str] | None, typer.Argument(help="Changes such as train.trials=5.", show_default=False)
]


class Via(StrEnum):
    """Where the stages run."""

    process = "process"
    airflow = "airflow"


def run(
    pipeline: Pipeline,
    changes: Changes = None,
    via: Annotated[Via, typer.Option(help="In this process, or as the Airflow DAG.")] = Via.process,
    name: Annotated[str, typer.Option(help="Name of the run; a known one is taken up again.")] = "",
) -> None:
    """Run a pipeline: etl, train, evaluate, deploy. What was done before is reused."""
    from stages.cli.outcome import has_failed, print_outcome

    if name and via is Via.airflow:
        raise ConfigError("--name is for runs in this process.", "Airflow names its own runs.")
    settings = Settings()
    pipeline = named_pipeline(pipeline, settings.pipelines)
    config = read_pipeline(pipeline, tuple(changes or ()))
    started: list[str] = []
    try:
        if via is Via.process:
            in_process(config, settings, name, started.append)
        else:
            _in_airflow(pipeline, tuple(changes or ()), settings, started.append)
    except WorkflowError:
        if started and has_failed(started[0], settings):
            print_outcome(started[0], pipeline, settings)
        raise
    print_outcome(started[0], pipeline, settings)


def in_process(
    config: PipelineConfig, settings: Settings, name: str, began: Callable[[str], None]
) -> None:
    """Run a pipeline in this process. `name`: of the run, empty for one that is chosen; `began` is
    called with its name."""
    from stages.cli.watching import watching
    from stages.runner.naming import claimed, claimed_name
    from stages.runner.pipeline import run_pipeline

    claim = claimed_name(name, settings) if name else claimed(config, settings)
    with claim as run, watching() as watch:
        began(run)
        run_pipeline(config, run=run, watch=watch, settings=settings)


def _in_airflow(
    pipeline: Path, changes: tuple[str, ...], settings: Settings, began: Callable[[str], None]
) -> None:
    from stages.cli.watching import watching
    from stages.local.dag_test import via_airflow

    with watching() as watch:
        via_airflow(pipeline, changes, settings, watch, began)


def plan(pipeline: Pipeline, changes: Changes = None) -> None:
    """Say what each stage would do, reuse or work, and why."""
    from stages.cli.estimates import print_plans
    from stages.runner.planning import plan as plan_of
    from stages.runner.resolve import resolved_with_next_step
    from stages.train.cost.compatibility import notices
    from stages.train.cost.student_family import student_notices

    settings = Settings()
    pipeline = named_pipeline(pipeline, settings.pipelines)
    config = read_pipeline(pipeline, tuple(changes or ()))
    resolved, step = resolved_with_next_step(config, settings)
    print(f"{config.name}: data {resolved.data.name}@{resolved.data.revision}, ", end="")
    searched = f"{resolved.train.trials} trials over {', '.join(resolved.train.families)}"
    print(searched + _tuned(resolved))
    for notice in notices(resolved.train):
        print(f"  Notice: {notice}")
    lines = [*resolved.train.notices(), *student_notices(resolved.train)]
    for line in [*lines, *resolved.train.device.notices()]:
        print(f"  {line}")
    print_plans(plan_of(resolved, settings), settings)
    if step:
        print(f"More minutes: {step}")


def _tuned(resolved: PipelineConfig) -> str:
    """The part of the line about fine-tuning; '' without fine-tuning."""
    from stages.train.cost.finetune_budget import tunable

    finetune = resolved.train.finetune
    if not finetune.trials:
        return ""
    named = ", ".join(input.name for input in tunable(resolved.train))
    if finetune.minutes is None:
        return f"; {finetune.trials} fine-tuned of the best among {named}"
    return f"; then {finetune.minutes:.1f} minutes to fine-tune the best of {named}"


def stage(
    name: Annotated[str, typer.Argument(help="etl, train, evaluate or deploy.")],
    spec: Annotated[Path, typer.Option(help="JSON with config, inputs, run, and target.")],
) -> None:
    """Run one stage, for another process or container. The last line is RESULT and a reference."""
    from stages.cli.watching import PlainWatch
    from stages.parts import STAGES
    from stages.runner import run_stage

    spec_fields = _spec(spec)
    ref = run_stage(
        STAGES.check(name),
        spec_fields["config"],
        spec_fields.get("inputs", {}),
        run=spec_fields["run"],
        target=spec_fields.get("target", ""),
        watch=PlainWatch(),
    )
    print(f"RESULT {json.dumps(list(ref))}")


def reproduce(
    lock: Annotated[str, typer.Argument(help="A run.lock.json, or a run's name.")],
) -> None:
    """Make a run again from its lock and tell whether each artifact is the same."""
    from stages.cli.watching import watching
    from stages.opening import open_store
    from stages.runner.lock import read_lock
    from stages.runner.reproduce import reproduce as again

    settings = Settings()
    found = read_lock(lock, open_store(settings))
    with watching() as watch:
        comparisons = again(found, settings, watch)
    for comparison in comparisons:
        print(
            f"{comparison.task:<22} {comparison.verdict}"
            + (f", first at {comparison.where}" if comparison.where else "")
        )
    sys.exit(0 if all(comparison.verdict != "different" for comparison in comparisons) else 1)


def _spec(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.", "Name a JSON file.") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("config", {}), dict):
        raise ConfigError(f"{path} is no table with a table 'config'.", "Write a JSON object.")
    missing = [key for key in ("config", "run") if key not in fields]
    if missing:
        raise ConfigError(f"{path} has no {' and no '.join(missing)}.", "Add it.")
    return dict(fields)
