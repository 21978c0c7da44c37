"""Runs Airflow and MLflow on this machine: their servers, and a DAG without servers."""

from stages.local.environment import airflow_environment
from stages.local.running import ServerState, down, status, up

__all__ = ["ServerState", "airflow_environment", "down", "status", "up"]
