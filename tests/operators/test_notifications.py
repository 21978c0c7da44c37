"""Notifiers: what a webhook gets, and that a message decides nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Connection
from airflow.sdk.bases.notifier import BaseNotifier

from operators.notifications import notifiers_for, notify_all
from operators.webhook import WebhookNotifier
from stages.config import PipelineConfig
from stages.runtime.errors import InfrastructureError

INSTANCE = SimpleNamespace(dag_id="flowers", run_id="r", task_id="verdict", log_url="http://there")
CONTEXT = {"ti": INSTANCE, "verdict": "Do not ship", "reasons": "Recall is low."}


class Posts:
    """A chat service that keeps what is posted."""

    def __init__(self, code: int = 200) -> None:
        posts, self.requests = self, list[tuple[str, dict[str, str], Any]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                posts.requests.append((self.path, dict(self.headers), body))
                self.send_response(code)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def posts():
    service = Posts()
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def connection(monkeypatch):
    """Give Airflow a connection, as an administrator does by a variable."""

    def set_up(**fields: Any) -> None:
        found = Connection(conn_id="ops", conn_type="http", **fields)
        monkeypatch.setenv("AIRFLOW_CONN_OPS", found.as_json())

    return set_up


def test_a_webhook_gets_what_happened_where_and_a_link(posts, connection):
    host, _, port = posts.host.partition(":")
    connection(host=f"http://{host}/hook", port=int(port), extra='{"X-Key": "secret"}')

    WebhookNotifier("ops")({**CONTEXT})

    [(path, headers, body)] = posts.requests
    assert path == "/hook"
    assert headers["X-Key"] == "secret"
    assert body["text"] == "flowers, verdict: Do not ship Recall is low."
    assert body["link"] == "http://there"


def test_a_text_of_one_s_own_is_a_template(posts, connection):
    connection(host=posts.host.split(":")[0], port=int(posts.host.split(":")[1]), login="me")

    WebhookNotifier("ops", text="{{ ti.dag_id }}: {{ verdict }}!")({**CONTEXT})

    [(_, headers, body)] = posts.requests
    assert body["text"] == "flowers: Do not ship!"
    assert headers["Authorization"].startswith("Basic ")


def test_a_service_that_refuses_is_told_without_the_address(connection):
    refusing = Posts(500)
    connection(host=f"http://{refusing.host}/T0/secret")

    with pytest.raises(InfrastructureError, match=r"the connection ops .* 500") as raised:
        WebhookNotifier("ops")({**CONTEXT})

    assert "secret" not in str(raised.value)
    refusing.server.shutdown()
    refusing.server.server_close()


class Recorder(BaseNotifier):
    """Keeps the contexts that it is called with; it may fail."""

    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails = fails
        self.contexts: list[Any] = []

    def notify(self, context: Any) -> None:
        self.contexts.append(context)
        if self.fails:
            raise OSError("the post is closed")


def test_a_notifier_that_fails_harms_neither_the_task_nor_the_next_one():
    failing, second = Recorder(fails=True), Recorder()

    notify_all([failing, second], CONTEXT)

    assert len(failing.contexts) == len(second.contexts) == 1


def test_any_notifier_of_airflow_can_be_named():
    named = {
        "notifier": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
        "arguments": {"to": "anna@example.org", "from_email": "aiwf@example.org"},
        "events": ["failure"],
    }
    pipeline = PipelineConfig(
        name="flowers", task="image_classification", data="flowers", airflow={"notify": [named]}
    )

    [notifier] = notifiers_for("failure", pipeline)

    assert type(notifier).__name__ == "SmtpNotifier"
    assert notifiers_for("verdict", pipeline) == []
