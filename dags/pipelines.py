"""One Airflow DAG for every pipeline YAML in AIWF_PIPELINES (a folder, or one file), and its
companions."""

import os
from pathlib import Path

from airflow.sdk.exceptions import AirflowTaskTimeout

from operators.companions import companion_dags
from operators.wiring import dag_of, placeholder_for
from stages.config import pipeline_files, read_pipeline

HERE = Path(__file__).resolve().parents[1]
PIPELINES = Path(os.environ.get("AIWF_PIPELINES") or HERE / "configs" / "pipelines")
DAGS = {}

for path in pipeline_files(PIPELINES):
    try:
        pipeline = read_pipeline(path)
        dags = [dag_of(pipeline, path), *companion_dags(pipeline)]
        if taken := [dag.dag_id for dag in dags if dag.dag_id in DAGS]:
            raise ValueError(f"There is a DAG called {taken[0]} already. Give each its own name.")
    except (Exception, AirflowTaskTimeout) as error:  # one pipeline must not take the others along
        dags = [placeholder_for(path, error)]
    DAGS.update({dag.dag_id: dag for dag in dags})

# Airflow looks for DAGs among this file's names; a pipeline may be called as one of ours is.
globals().update({f"dag {name}": dag for name, dag in DAGS.items()})
