"""Airflow's API server answers under the names of this machine only."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from stages.local.guard import Guard, allowed
from stages.settings import Settings


class Guarded(AirflowPlugin):  # type: ignore[misc]
    """Puts the guard before everything that the API server answers."""

    name = "aiwf_guard"
    fastapi_root_middlewares: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "aiwf guard",
            "middleware": Guard,
            "args": [],
            "kwargs": {"hosts": allowed(Settings().hosts)},
        }
    ]
