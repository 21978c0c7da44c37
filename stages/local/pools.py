"""Airflow's pools for the work that must not run side by side on one machine."""

from stages.config.airflow import DATA_POOL, TRAINING_POOL
from stages.local.airflow_server import server_here
from stages.settings import Settings

CLUSTER_SLOTS = 4  # trainings that a cluster's scheduler may divide its machines among


def prepare_pools(settings: Settings) -> None:
    """Make the pools that are not there yet; a person may have changed the others' slots.

    A training uses every core of this machine, so there is one at a time, unless training is handed
    in at a cluster. Raises InfrastructureError if Airflow does not answer."""
    slots = {TRAINING_POOL: CLUSTER_SLOTS if settings.job_address else 1, DATA_POOL: 1}
    uses = {
        TRAINING_POOL: "Trainings at a time.",
        DATA_POOL: "Additions of raw data at a time (DVC).",
    }
    server = server_here(settings)
    found = {pool["name"] for pool in server.call("GET", "/api/v2/pools?limit=100")["pools"]}
    for name in slots.keys() - found:
        body = {"name": name, "slots": slots[name], "description": uses[name]}
        server.call("POST", "/api/v2/pools", body)
