"""Makes Airflow's tables, once for each version of Airflow, completely or not at all."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from stages import databases
from stages.local.environment import airflow_environment
from stages.privacy import claim
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings

CONNECTION = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def ready(settings: Settings, notify: Callable[[str], None], home: Path | None = None) -> None:
    """Make the tables in Airflow's folder `home`, unless this version has made them already.

    Raises InfrastructureError with the end of Airflow's output. The database is unchanged then."""
    claim(settings.root, notify)
    environment = airflow_environment(settings, home)

    def make(path: Path) -> None:
        notify("making Airflow's tables")
        _migrate(path, environment)

    tables = databases.Tables("Airflow", version("apache-airflow"), "dag_run", make, _is_noted)
    databases.ready(Path(environment["AIRFLOW_HOME"]) / "airflow.db", tables)


def _is_noted(path: Path) -> bool:
    """Whether the note of earlier releases names this version of Airflow."""
    try:
        return path.with_name(".tables").read_text() == version("apache-airflow")
    except OSError:
        return False


def _migrate(path: Path, environment: dict[str, str]) -> None:
    """Bring the database at `path` to the tables of the Airflow that is installed."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env={**os.environ, **environment, CONNECTION: databases.address_of(path)},
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode:
        raise InfrastructureError(
            f"Airflow could not make its tables:\n{(done.stdout + done.stderr)[-1500:]}",
            f"Free some disk space if it is full. {path.parent} holds only Airflow's own history.",
        )
