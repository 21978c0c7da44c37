"""The servers of this machine: Airflow's four components, MLflow, the studio and the service of
what is published, each with its command."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stages.config.airflow import POOLS
from stages.local.environment import (
    HOST,
    airflow_environment,
    mlflow_environment,
    quiet,
    settings_environment,
)
from stages.local.guard import allowed
from stages.settings import Settings


@dataclass(frozen=True)
class Server:
    """`port` and `variable`: where it listens, and the setting that moves it; 0 if nowhere."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False, hash=False)
    log: Path
    port: int = 0
    variable: str = ""

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}" if self.port else ""


def servers(settings: Settings) -> list[Server]:
    """All servers for `settings`, in the order in which they start."""
    return [*_mlflow(settings), *_airflow(settings), _studio(settings), _live(settings)]


def _mlflow(settings: Settings) -> list[Server]:
    """MLflow's server over the workspace's own records; none if another one is set."""
    if settings.mlflow:
        return []
    port, names = settings.mlflow_port, allowed(settings.hosts)
    command = (
        *_python("mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", settings.mlflow_uri),
        *("--artifacts-destination", (settings.root / "mlflow" / "files").as_uri()),
        # Without them it also answers under names that begin like a private address, such as
        # 10.evil.example, which a web page can let point to this machine.
        *("--allowed-hosts", ",".join(host for name in names for host in (name, f"{name}:*"))),
        *("--cors-allowed-origins", ",".join(_origins(names, port))),
    )
    environment = mlflow_environment(settings)
    return [
        Server("mlflow", command, environment, _log(settings, "mlflow"), port, "AIWF_MLFLOW_PORT")
    ]


def _origins(names: Iterable[str], port: int) -> list[str]:
    """The addresses of MLflow's own pages."""
    return [f"http://{name}:{port}" for name in names] + [f"https://{name}" for name in names]


def _airflow(settings: Settings) -> list[Server]:
    """What `airflow standalone` starts, without its log servers: they listen on every address."""
    environment = {**airflow_environment(settings), POOLS: "yes"}
    commands = {
        "api-server": (),
        "scheduler": ("--skip-serve-logs",),
        "dag-processor": (),
        "triggerer": ("--skip-serve-logs",),
    }
    return [
        Server(
            f"airflow-{name}",
            _python("airflow", name, *options),
            environment,
            _log(settings, f"airflow-{name}"),
            settings.airflow_port if name == "api-server" else 0,
            "AIWF_AIRFLOW_PORT" if name == "api-server" else "",
        )
        for name, options in commands.items()
    ]


def _studio(settings: Settings) -> Server:
    """The studio, a process of its own: what it does never holds Airflow's API server up."""
    port, command = settings.studio_port, Path(sys.executable).with_name("aiwf")
    return Server(
        "studio",
        (str(command), "studio", "--port", str(port)),
        {**settings_environment(settings), **quiet()},
        _log(settings, "studio"),
        port,
        "AIWF_STUDIO_PORT",
    )


def _live(settings: Settings) -> Server:
    """The service of what is published; it follows MLflow's registry."""
    port, command = settings.live_port, Path(sys.executable).with_name("aiwf")
    environment = {**settings_environment(settings), **mlflow_environment(settings)}
    return Server(
        "live",
        (str(command), "serve", "--live", "--port", str(port)),
        environment,
        _log(settings, "live"),
        port,
        "AIWF_LIVE_PORT",
    )


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _log(settings: Settings, name: str) -> Path:
    return settings.root / "logs" / f"{name}.log"
