"""Airflow and MLflow on this machine: the servers, and a DAG by itself."""

from stages.local.environment import airflow_environment
from stages.local.running import ServerState, down, status, up

__all__ = ["ServerState", "airflow_environment", "down", "status", "up"]
