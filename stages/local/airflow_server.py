"""Airflow's public REST API, for what happens outside of it: `aiwf up` prepares its pools, and new
revisions of raw data are announced to it."""

import json
import urllib.error
import urllib.request
from typing import Any

from stages.local import processes
from stages.local.environment import HOST, login
from stages.local.health import taken
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings

SECONDS = 20.0  # for an answer


class AirflowServer:
    """Airflow at `address`, reached as `user`. Raises InfrastructureError where it does not answer,
    or not do as it is requested."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._address = address.rstrip("/")
        self._token = ""
        body = {"username": user, "password": password}
        self._token = self.call("POST", "/auth/token", body)["access_token"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request, parsed from JSON."""
        request = urllib.request.Request(  # noqa: S310
            self._address + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
            method=method,
        )
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with straight.open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise _refused(f"Airflow at {self._address} answers {error.code} to {path}.") from error
        except (OSError, ValueError, KeyError) as error:
            raise _refused(f"{self._address} does not answer as Airflow does: {error}.") from error


def _refused(problem: str) -> InfrastructureError:
    return InfrastructureError(
        problem, "Is AIWF_AIRFLOW its address, with AIWF_AIRFLOW_USER and AIWF_AIRFLOW_PASSWORD?"
    )


def airflow_server(settings: Settings) -> AirflowServer | None:
    """The server that `settings` name, or the one that `aiwf up` started for this workspace; None
    if there is neither. Raises InfrastructureError if it does not let us in."""
    if settings.airflow:
        password = settings.airflow_password.get_secret_value()
        return AirflowServer(settings.airflow, settings.airflow_user, password)
    if not taken(settings.airflow_port):
        return None
    if not processes.marked(processes.mark_of(settings.root), "airflow-api-server"):
        return None  # another program, or the Airflow of another workspace
    return server_here(settings)


def server_here(settings: Settings) -> AirflowServer:
    """The server that `aiwf up` started for this workspace. Raises InfrastructureError."""
    return AirflowServer(f"http://{HOST}:{settings.airflow_port}", *login(settings))
