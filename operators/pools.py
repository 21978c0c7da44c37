"""Airflow's pools that tasks run in, where they are made: a task in a pool that is not there would
never be scheduled."""

import os

from stages.config.airflow import POOLS


def pool_of(name: str) -> dict[str, str]:
    """The argument of an operator for the pool `name`; none where nobody made the pools, as
    `aiwf up` does."""
    return {"pool": name} if os.environ.get(POOLS) else {}
