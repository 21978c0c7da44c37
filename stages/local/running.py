"""Starts the servers of this machine, waits until they are healthy, and stops them."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stages.local import database, health, processes
from stages.local.environment import login
from stages.local.pools import prepare_pools
from stages.local.servers import Server, servers
from stages.privacy import claim
from stages.runtime.errors import ConfigError, InfrastructureError
from stages.runtime.files import alone
from stages.settings import Settings
from stages.tracking import tables
from stages.tracking.links import VIEW

LONGEST_START = 300.0  # seconds; a loaded laptop without byte-code needs most of it
STUDIO = "/studio/"  # the page of Airflow (operators/plugins/studio.py) that leads to the studio
Notify = Callable[[str], None]


@dataclass(frozen=True)
class ServerState:
    """How a server is: 'running', 'starting' or 'stopped'; `pid` is 0 if it is stopped."""

    name: str
    state: str
    pid: int
    address: str
    log: Path


def up(settings: Settings, notify: Notify) -> list[str]:
    """Start the servers that do not run and wait for them; return lines with addresses and login.

    Raises ConfigError if a port is taken, InfrastructureError if a server ends or does not become
    healthy in time. The servers that were started are stopped then."""
    claim(settings.root, notify)
    with alone(settings.root / "logs" / ".lock"):  # one `up` or `down` at a time
        mark = processes.mark_of(settings.root)
        missing = [
            server for server in servers(settings) if not processes.marked(mark, server.name)
        ]
        _refuse_taken(missing)
        database.ready(settings, notify)
        tables.ready(settings.mlflow_uri)
        try:
            children = [_start(server, mark, notify) for server in missing]
            _wait(settings, dict(zip(missing, children, strict=True)), notify)
            prepare_pools(settings)
        except BaseException:
            processes.stop(mark, names=[server.name for server in missing])
            raise
    return _addresses(settings)


def down(settings: Settings, notify: Notify) -> int:
    """Stop all processes that `up` started for this workspace; return how many there were."""
    with alone(settings.root / "logs" / ".lock"):  # one `up` or `down` at a time
        mark = processes.mark_of(settings.root)
        if processes.marked(mark):
            notify("stopping ...")
        return processes.stop(mark)


def status(settings: Settings) -> list[ServerState]:
    """How each server is."""
    mark = processes.mark_of(settings.root)
    return [_state(server, mark) for server in servers(settings)]


def _state(server: Server, mark: str) -> ServerState:
    ours = sorted(processes.marked(mark, server.name), key=lambda process: process.create_time())
    well = bool(ours) and (not server.port or health.answers(server.address, 2))
    state = "running" if well else "starting" if ours else "stopped"
    return ServerState(server.name, state, ours[0].pid if ours else 0, server.address, server.log)


def _refuse_taken(missing: list[Server]) -> None:
    for server in missing:
        if server.port and health.taken(server.port):
            free = health.free_port(server.port)
            raise ConfigError(
                f"Port {server.port} is taken by another program, so {server.name} cannot start.",
                f"Stop that program, or choose another port: {server.variable}={free} aiwf up",
            )


def _start(server: Server, mark: str, notify: Notify) -> subprocess.Popen[bytes]:
    notify(f"starting {server.name}")
    return processes.start(server.name, server.command, server.environment, mark, server.log)


def _wait(
    settings: Settings, children: dict[Server, subprocess.Popen[bytes]], notify: Notify
) -> None:
    """Wait until every server is healthy, and report which ones are not yet."""
    began, waited_for = time.monotonic(), ""
    while waits := _waits_for(settings):
        for server, child in children.items():
            if child.poll() is not None:
                raise InfrastructureError(
                    f"{server.name} ended at once:\n{_last_lines(server.log)}",
                    f"Look into {server.log}.",
                )
        if time.monotonic() - began > LONGEST_START:
            raise InfrastructureError(
                f"Not ready after {LONGEST_START:.0f} s: {', '.join(waits)}.",
                f"Look into the logs in {settings.root / 'logs'}, and try again.",
            )
        if (now := ", ".join(waits)) != waited_for:
            notify(f"{time.monotonic() - began:4.0f} s  waiting for {now}")
            waited_for = now
        time.sleep(0.3)
    notify(f"{time.monotonic() - began:4.0f} s  all is well")


def _waits_for(settings: Settings) -> list[str]:
    waits = []
    for server in servers(settings):
        if server.name == "mlflow" and not health.answers(f"{server.address}/health"):
            waits.append("mlflow")
        if server.name == "live" and not health.answers(f"{server.address}/health"):
            waits.append("what is live")
        if server.name == "studio" and not health.answers(server.address):
            waits.append("the studio")
        if server.name == "airflow-api-server":
            waits += [f"airflow's {name}" for name in health.airflow_waits_for(server.address)]
            # The first such call builds the tasks' whole API and holds the server up: do it now.
            if not waits and not health.answers(f"{server.address}/execution/health", 60):
                waits.append("airflow's tasks")
    return waits


def _addresses(settings: Settings) -> list[str]:
    user, password = login(settings)
    pages = {server.name: server.address for server in servers(settings) if server.address}
    return [
        f"Airflow   {pages['airflow-api-server']}   user {user}, password {password}",
        f"Studio    {pages['airflow-api-server']}{STUDIO}   with the same login",
        f"Live      {pages['live']}/  answers with what is published",
        f"MLflow    {pages.get('mlflow', settings.mlflow)}/#/experiments?{VIEW}",
        f"logs      {settings.root / 'logs'}",
    ]


def _last_lines(log: Path, lines: int = 12) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
