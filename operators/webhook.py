"""A notifier for Airflow: posts JSON, as chat services take it, to the address of a connection."""

import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook
from airflow.sdk.bases.notifier import BaseNotifier

from stages.runtime.errors import InfrastructureError

SECONDS = 20.0
LONGEST_TEXT = 2_000


class WebhookNotifier(BaseNotifier):  # type: ignore[misc]
    """Posts {text, pipeline, run, task, state} to the connection `http_conn_id`.

    Its host is the address (https://host/path), its login and password, if there are any, the
    user's, and its extra the headers. `text`: a template; empty: what happened, in a sentence."""

    template_fields = ("text",)

    def __init__(self, http_conn_id: str, text: str = "") -> None:
        super().__init__()
        self.http_conn_id = http_conn_id
        self.text = text

    def notify(self, context: Any) -> None:
        """Post the message. Raises InfrastructureError if it is not taken."""
        body = json.dumps(message(context, self.text)).encode()
        request = _request(BaseHook.get_connection(self.http_conn_id), body)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
                return
        except OSError as error:
            raise InfrastructureError(
                f"The webhook of the connection {self.http_conn_id} did not take the message: "
                f"{error}.",
                "Look at the connection's host, login and extra in Airflow.",
            ) from error


def message(context: Any, text: str = "") -> dict[str, str]:
    """What is posted about the task of `context`; `text` instead of our own sentence."""
    instance = context["ti"]
    what = context.get("verdict") or context.get("exception") or "waits for an answer."
    reasons = context.get("reasons", "")
    sentence = f"{instance.dag_id}, {instance.task_id}: {what} {reasons}".strip()
    return {
        "text": (text or sentence)[:LONGEST_TEXT],
        "pipeline": instance.dag_id,
        "run": instance.run_id,
        "task": instance.task_id,
        "link": str(getattr(instance, "log_url", "")),
    }


def _request(connection: Any, body: bytes) -> urllib.request.Request:
    """The request to the address of an HTTP `connection`, as Airflow's HTTP provider reads it."""
    address = connection.host or ""
    if not urlsplit(address).scheme:
        address = f"{connection.schema or 'http'}://{address}"
    if connection.port:
        parts = urlsplit(address)
        address = parts._replace(netloc=f"{parts.hostname}:{connection.port}").geturl()
    headers = {"Content-Type": "application/json", **connection.extra_dejson}
    if connection.login:
        from base64 import b64encode

        pair = f"{connection.login}:{connection.password or ''}".encode()
        headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
    return urllib.request.Request(address, body, headers, method="POST")  # noqa: S310
