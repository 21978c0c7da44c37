"""Builds the DAG of a pipeline: an output that is used as an input is an edge."""

import os
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowTaskTimeout, AirflowTimetableInvalid

from operators.dag_pages import about, about_broken
from operators.deploy import DeployOperator
from operators.etl import EtlOperator
from operators.evaluate import EvaluateOperator
from operators.form import params_of
from operators.train import TrainOperator
from operators.unreadable import UnreadableOperator
from operators.verdict import VerdictOperator
from stages.config import PipelineConfig
from stages.runtime.errors import ConfigError

LONGEST_NAME = 250  # characters of a DAG's name in Airflow
LONGEST_PROBLEM = 20_000  # characters on the page of a pipeline that cannot be read
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
        schedule=pipeline.schedule or None,
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        doc_md=about(pipeline, path.name),
        tags=["pipeline", pipeline.task],
    ) as dag:
        _wire(config, pipeline.deploy.targets)
    dag.params = params_of(pipeline)  # last, or each task would carry a copy of the whole form
    _check_schedule(dag, pipeline)
    return dag


def _check_schedule(dag: DAG, pipeline: PipelineConfig) -> None:
    """Raise ConfigError for an invalid schedule; Airflow itself would find it much later."""
    try:
        dag.validate()
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


def _wire(config: dict[str, Any], targets: tuple[str, ...]) -> None:
    dataset = EtlOperator(task_id="etl", config=config, inputs={}).output
    model = TrainOperator(task_id="train", config=config, inputs={"dataset": dataset}).output
    measured = {"model": model, "dataset": dataset}
    report = EvaluateOperator(task_id="evaluate", config=config, inputs=measured).output
    VerdictOperator(task_id="verdict", inputs={"report": report})
    for target in targets:
        inputs = {"model": model, "report": report, "dataset": dataset}
        DeployOperator(task_id=f"deploy_{target}", config=config, inputs=inputs, target=target)
