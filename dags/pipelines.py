"""One Airflow DAG for every pipeline YAML in AIWF_PIPELINES (a folder, or one file)."""

import os
from pathlib import Path

from airflow.sdk.exceptions import AirflowTaskTimeout

from operators.wiring import dag_of, placeholder_for
from stages.config import pipeline_files, read_pipeline

HERE = Path(__file__).resolve().parents[1]
PIPELINES = Path(os.environ.get("AIWF_PIPELINES") or HERE / "configs" / "pipelines")
DAGS = {}

for path in pipeline_files(PIPELINES):
    try:
        dag = dag_of(read_pipeline(path), path)
        if dag.dag_id in DAGS:
            raise ValueError(
                f"Another pipeline is called {dag.dag_id} too. Give each its own name."
            )
    except (Exception, AirflowTaskTimeout) as error:  # one pipeline must not take the others along
        dag = placeholder_for(path, error)
    DAGS[dag.dag_id] = dag

# Airflow looks for DAGs among this file's names; a pipeline may be called as one of ours is.
globals().update({f"dag {name}": dag for name, dag in DAGS.items()})
