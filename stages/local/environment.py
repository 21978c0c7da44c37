"""Environment variables of Airflow and MLflow on this machine: no telemetry, fast, on loopback."""

import base64
import json
import os
import secrets
import sys
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from pathlib import Path

from pydantic import SecretStr

from stages.databases import address_of
from stages.privacy import keep_secret
from stages.runtime.errors import ConfigError
from stages.settings import Settings

PROJECT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


def settings_environment(settings: Settings) -> dict[str, str]:
    """`settings` as the AIWF_ variables that give the same settings in any folder."""
    places = {"workspace": settings.root, "pipelines": settings.pipelines.absolute()}
    values = {name: getattr(settings, name) for name in type(settings).model_fields} | places
    return {f"AIWF_{name.upper()}": _plain(value) for name, value in values.items()}


def airflow_environment(settings: Settings, home: Path | None = None) -> dict[str, str]:
    """The variables under which Airflow's components, and a DAG by itself, run on this machine.

    `home` is Airflow's own folder. Secrets are made once and kept there, for its owner only."""
    home = home or settings.root / "airflow"
    for place in (home, PROJECT):
        _check_expanded(place)
    _keep_config(home)
    address = f"http://{HOST}:{settings.airflow_port}"
    return {
        **settings_environment(settings),
        **quiet(),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address_of(home / "airflow.db"),
        # Airflow would put them together in its settings file, where a % is not a letter.
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
            home / "logs" / "dag_processor"
        ),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "operators" / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(home)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": _secret(home / "secret_key"),
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(home / "jwt_secret"),
        **TUNED,
    }


def _check_expanded(place: Path) -> None:
    """Raise ConfigError if Airflow would not take `place` as it is: it puts the values of variables
    into every path, and its settings have no sign against it."""
    if os.path.expandvars(place) != str(place):
        name = next(part for part in place.parts if os.path.expandvars(part) != part)
        raise ConfigError(
            f"Airflow would read '{name}' in {place} as a variable of the environment.",
            "Rename the folder, set AIWF_WORKSPACE to another, or run without Airflow.",
        )


# Each was measured: a task then starts in 0.1 s instead of 1 to 5.
TUNED = {
    "AIRFLOW__CORE__PARALLELISM": "4",  # the default forks 32 workers at once
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # a finished task holds its slot so long
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",  # the first call builds the whole API
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",  # seconds until a new YAML is seen
}


def mlflow_environment(settings: Settings) -> dict[str, str]:
    """The variables of MLflow's server: without the eight processes that run its jobs."""
    return {
        **quiet(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def quiet() -> dict[str, str]:
    """Variables that turn telemetry off and put this environment's commands first on PATH."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "DO_NOT_TRACK": "1",
        "SCARF_ANALYTICS": "false",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "SPT_NOENV": "1",  # keeps a process's environment readable: `down` knows its own by it
        "NO_COLOR": "1",
    }


def password_file(home: Path) -> Path:
    """The file with the passwords by user; made with a random one if there is none."""
    path = home / "passwords.json"
    if not _filled(path):
        keep_secret(path, json.dumps({"admin": secrets.token_urlsafe(12)}))
    return path


def login(settings: Settings) -> tuple[str, str]:
    """The user of Airflow's pages, and the password."""
    found: dict[str, str] = json.loads(password_file(settings.root / "airflow").read_text())
    return next(iter(found.items()))


def _keep_config(home: Path) -> None:
    """Write Airflow's settings file, with the key of its connections, unless a valid one is there.

    Airflow itself would write a longer one in pieces, and a kill could leave it incomplete."""
    path = home / "airflow.cfg"
    if _filled(path) and not _is_config(path):
        path.unlink()
    if not path.exists():
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        keep_secret(path, f"[core]\nfernet_key = {key}\n")


def _is_config(path: Path) -> bool:
    try:
        return bool(ConfigParser(interpolation=None).read(path, encoding="utf-8"))
    except (ConfigParserError, UnicodeDecodeError):
        return False


def _secret(path: Path) -> str:
    if not _filled(path):
        keep_secret(path, secrets.token_hex(48))
    return path.read_text()


def _filled(path: Path) -> bool:
    """Whether the file has content. An empty one, which a kill can leave, is removed."""
    if path.is_file() and not path.stat().st_size:
        path.unlink(missing_ok=True)
    return path.exists()


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
