"""The DAGs beside that of a pipeline: one measures on a person's own samples, one adds what arrives
in a folder."""

from airflow.sdk import DAG

from operators.assets import data_asset, watched_asset
from operators.dag_pages import about_arrival, about_own_test
from operators.notifications import notify_failure
from operators.own_test import OwnTestOperator, own_test_params
from operators.pools import pool_of
from operators.wiring import RETRIES
from stages.config import PipelineConfig
from stages.config.airflow import DATA_POOL, own_test_dag


def companion_dags(pipeline: PipelineConfig) -> list[DAG]:
    """The DAGs that `pipeline` has beside its own."""
    arrival = [_arrival_dag(pipeline)] if pipeline.airflow.watch_folder else []
    return [_evaluate_dag(pipeline), *arrival]


def _evaluate_dag(pipeline: PipelineConfig) -> DAG:
    """The DAG that measures a model or package on the samples that a person names in its form."""
    with DAG(
        own_test_dag(pipeline.name),
        schedule=None,
        max_active_runs=1,
        default_args=RETRIES,
        doc_md=about_own_test(pipeline.name),
        tags=["evaluate", pipeline.task],
        params=own_test_params(pipeline),
    ) as dag:
        task = OwnTestOperator(
            task_id="evaluate", pipeline=pipeline.name, targets=pipeline.deploy.targets
        )
        notify_failure(task, pipeline)
    return dag


def _arrival_dag(pipeline: PipelineConfig) -> DAG:
    """The DAG that adds what arrives in the folder that `pipeline` watches as a revision of its
    data, which then starts the pipeline."""
    from operators.arrivals import FolderTrigger
    from operators.intake import IntakeOperator

    folder, data = pipeline.airflow.watch_folder, pipeline.data.name
    with DAG(
        f"{pipeline.name}_arrival",
        schedule=[watched_asset(folder, FolderTrigger(folder))],
        catchup=False,
        max_active_runs=1,
        default_args=RETRIES,
        doc_md=about_arrival(pipeline.name, data, folder),
        tags=["arrival", pipeline.task],
    ) as dag:
        task = IntakeOperator(
            task_id="add_data",
            folder=folder,
            name=data,
            data=data_asset(data),
            **pool_of(DATA_POOL),
        )
        notify_failure(task, pipeline)
    return dag
