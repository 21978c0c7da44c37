"""Builds the DAG of a pipeline: an output that is used as an input is an edge."""

import os
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, AssetOrTimeSchedule, BaseOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowTaskTimeout, AirflowTimetableInvalid

from operators.assets import data_asset, model_asset, package_asset
from operators.dag_pages import about, about_broken
from operators.deploy import DeployOperator
from operators.etl import EtlOperator
from operators.evaluate import EvaluateOperator
from operators.form import params_of
from operators.notifications import notifiers_for, notify_failure
from operators.pools import pool_of
from operators.train import TrainOperator
from operators.unreadable import UnreadableOperator
from operators.verdict import VerdictOperator
from stages.config import PipelineConfig
from stages.config.airflow import TRAINING_POOL, Approval
from stages.runtime.errors import ConfigError

LONGEST_NAME = 250  # characters of a DAG's name in Airflow
LONGEST_PROBLEM = 20_000  # characters on the page of a pipeline that cannot be read
RUNS_THAT_WAIT = 8  # for a person: newer data must not wait for the answer about older ones
# Only errors that a retry may repair are retried (a server, a worker): see StageOperator.
RETRIES = {
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
}


def dag_of(pipeline: PipelineConfig, path: Path) -> DAG:
    """The DAG of `pipeline`, which was read from `path`.

    Without a start date a schedule begins with its next time, not with one that has passed."""
    config = pipeline.model_dump(mode="json")
    with DAG(
        pipeline.name,
        schedule=_schedule_of(pipeline),
        catchup=False,
        max_active_runs=1 if pipeline.airflow.approval is None else RUNS_THAT_WAIT,
        default_args=RETRIES,
        doc_md=about(pipeline, path.name),
        tags=["pipeline", pipeline.task],
    ) as dag:
        _wire(dag, config, pipeline)
    dag.params = params_of(pipeline)  # last, or each task would carry a copy of the whole form
    _check_schedule(dag, pipeline)
    return dag


def _schedule_of(pipeline: PipelineConfig) -> Any:
    """What starts a run by itself: the time, new data, either of them, or nothing.

    Raises ConfigError if a new revision is to start a run on data whose revision is fixed."""
    if not pipeline.airflow.runs_on_data:
        return pipeline.schedule or None
    if pipeline.data.revision:
        raise ConfigError(
            f"airflow: a new revision cannot start a run on data@{pipeline.data.revision}.",
            f"Write 'data: {pipeline.data.name}', or leave on_data_change and watch_folder out.",
        )
    data = [data_asset(pipeline.data.name)]
    if not pipeline.schedule:
        return data
    timetable = CronTriggerTimetable(pipeline.schedule.strip(), timezone="UTC")
    return AssetOrTimeSchedule(timetable=timetable, assets=data)


def _check_schedule(dag: DAG, pipeline: PipelineConfig) -> None:
    """Raise ConfigError for an invalid schedule; Airflow itself would find it much later."""
    try:
        dag.validate()
        if isinstance(dag.timetable, AssetOrTimeSchedule):
            dag.timetable.timetable.validate()
    except AirflowTimetableInvalid as error:
        raise ConfigError(
            f"schedule: '{pipeline.schedule}' is not one. {error}",
            "Write a cron expression such as '0 3 * * 1', or '@daily'.",
        ) from error


def placeholder_for(path: Path, error: BaseException) -> DAG:
    """A DAG in the place of a pipeline that cannot be read: its page and its only task say why."""
    problem = _problem(path, error)
    with DAG(
        _placeholder_name(path.name),
        schedule=None,
        doc_md=about_broken(path.name, problem),
        tags=["pipeline", "broken"],
    ) as dag:
        UnreadableOperator(task_id="read_pipeline", problem=problem)
    return dag


def _problem(path: Path, error: BaseException) -> str:
    if isinstance(error, AirflowTaskTimeout):
        return (
            f"Airflow's time for reading all pipelines was over when {path.name} was read. "
            "Shorten this YAML, or raise core.dagbag_import_timeout in airflow.cfg."
        )
    return str(error)[:LONGEST_PROBLEM].encode(errors="replace").decode()


def _placeholder_name(file: str) -> str:
    """The name of the file, with its dot, so that no pipeline can have the same.

    A name that Airflow would refuse is replaced by one that no other file has."""
    plain = re.sub(r"[^\w.-]+", "_", file)
    if plain == file and len(plain) <= LONGEST_NAME:
        return plain
    digest = sha256(os.fsencode(file)).hexdigest()[:8]
    return f"{plain[: LONGEST_NAME - len(digest) - 6].removesuffix('.yaml')}_{digest}.yaml"


def _wire(dag: DAG, config: dict[str, Any], pipeline: PipelineConfig) -> None:
    data, name = data_asset(pipeline.data.name), pipeline.name
    dataset = EtlOperator(task_id="etl", config=config, inputs={}, inlets=[data]).output
    model = TrainOperator(
        task_id="train",
        config=config,
        inputs={"dataset": dataset},
        outlets=[model_asset(name)],
        **pool_of(TRAINING_POOL),
    ).output
    measured = {"model": model, "dataset": dataset}
    report = EvaluateOperator(task_id="evaluate", config=config, inputs=measured).output
    VerdictOperator(
        task_id="verdict",
        inputs={"report": report},
        notifiers=notifiers_for("verdict", pipeline),
    )
    deploys = [
        DeployOperator(
            task_id=f"deploy_{target}",
            config=config,
            inputs={"model": model, "report": report, "dataset": dataset},
            target=target,
            outlets=[package_asset(name, target)],
        )
        for target in pipeline.deploy.targets
    ]
    if (approval := pipeline.airflow.approval) is not None:
        _approve(pipeline, approval, {"report": report}) >> deploys
    for task in dag.tasks:
        if not isinstance(task, VerdictOperator):  # a verdict has notifiers of its own
            notify_failure(task, pipeline)


def _approve(pipeline: PipelineConfig, approval: Approval, inputs: dict[str, Any]) -> BaseOperator:
    """The task that waits for a person. Its operator is imported for pipelines that have it."""
    from operators.approval import ApproveOperator

    return ApproveOperator(
        pipeline=pipeline.name,
        approval=approval,
        inputs=inputs,
        notifiers=notifiers_for("approval", pipeline),
    )
