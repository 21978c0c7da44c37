"""Airflow's API server answers under the names of this machine only, and starts no run that would
fail at once."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from operators.trigger_check import TriggerCheck
from stages.local.guard import Guard, allowed
from stages.settings import Settings


class Guarded(AirflowPlugin):  # type: ignore[misc]
    """Puts the guard before everything that the API server answers; the last one is the first to
    see a request."""

    name = "aiwf_guard"
    fastapi_root_middlewares: ClassVar[list[dict[str, Any]]] = [
        {"name": "aiwf trigger check", "middleware": TriggerCheck, "args": [], "kwargs": {}},
        {
            "name": "aiwf guard",
            "middleware": Guard,
            "args": [],
            "kwargs": {"hosts": allowed(Settings().hosts)},
        },
    ]
