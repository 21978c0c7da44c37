"""Airflow's tables: made once for each version of Airflow, by one process at a time."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from stages.local.environment import airflow_environment
from stages.runtime.errors import InfrastructureError
from stages.runtime.files import alone, write
from stages.settings import Settings


def ready(settings: Settings, say: Callable[[str], None], home: Path | None = None) -> None:
    """Make the tables in Airflow's folder `home`, if that was not done by this very version.

    Raises InfrastructureError with the end of what Airflow said."""
    environment = airflow_environment(settings, home)
    folder = Path(environment["AIRFLOW_HOME"])
    with alone(folder / ".lock"):
        noted = folder / ".tables"
        if noted.is_file() and noted.read_text() == version("apache-airflow"):
            return
        say("making Airflow's tables")
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise InfrastructureError(
                f"Airflow could not make its tables:\n{(done.stdout + done.stderr)[-1500:]}",
                f"If {folder} is broken, remove it: it holds only Airflow's own history.",
            )
        write(noted, version("apache-airflow"))
