"""A person's way into Airflow: its REST API, with the login that `aiwf up` printed."""

import time
from typing import Any

import httpx

from stages.artifacts import Ref
from stages.local.environment import login
from stages.settings import Settings


class Airflow:
    """A person's way in: Airflow's REST API, with the login that `up` printed."""

    def __init__(self, settings: Settings) -> None:
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{settings.airflow_port}", timeout=60, trust_env=False
        )
        user, password = login(settings)
        token = self.call("POST", "/auth/token", {"username": user, "password": password})
        self._client.headers["Authorization"] = f"Bearer {token['access_token']}"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.request(method, path, json=body).raise_for_status().json()

    def open(self, path: str) -> None:
        """Read a page, whatever it holds."""
        self._client.get(path, follow_redirects=True).raise_for_status()

    def defaults(self, dag: str) -> dict[str, Any]:
        """What the trigger form is filled in with."""
        form = self.call("GET", f"/api/v2/dags/{dag}/details")["params"]
        return {key: field["value"] for key, field in form.items()}

    def finished(self, dag: str, answers: dict[str, Any]) -> dict[str, Any]:
        """Trigger a run and wait until it has ended."""
        body = {"logical_date": None, "conf": answers}
        run = self.call("POST", f"/api/v2/dags/{dag}/dagRuns", body)
        while run["state"] not in ("success", "failed"):
            time.sleep(0.2)
            run = self.call("GET", f"/api/v2/dags/{dag}/dagRuns/{run['dag_run_id']}")
        return run

    def tasks(self, run: dict[str, Any]) -> dict[str, str]:
        """The state of each task of a run."""
        found = self.call("GET", f"{path_of(run)}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def artifact(self, run: dict[str, Any], task: str) -> Ref:
        """The reference that a task gave back."""
        path = f"{path_of(run)}/taskInstances/{task}/xcomEntries/return_value?deserialize=true"
        return Ref(*self.call("GET", path)["value"])

    def links(self, run: dict[str, Any], task: str) -> dict[str, str]:
        """The buttons on a task's page."""
        return self.call("GET", f"{path_of(run)}/taskInstances/{task}/links")["extra_links"]


def path_of(run: dict[str, Any]) -> str:
    """The run in the API."""
    return f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}"
