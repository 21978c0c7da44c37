"""A new revision is announced to Airflow, where there is one; trouble with it harms no revision."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stages.etl.raw_data import Revision
from stages.local.announcing import announce_revision
from stages.local.health import free_port
from stages.settings import Settings

REVISION = Revision("shapes", "ab" * 16 + ".dir", 24, 100, "more of them")
ASSETS = ("aiwf://data/shapes", "aiwf://data/shapes_2", "aiwf://model/shapes")


class SmallAirflow:
    """Airflow's REST API as far as it is needed: a login, assets, events."""

    def __init__(self, code: int = 200) -> None:
        self.events: list[dict[str, Any]] = []
        self.code = code
        airflow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else {}
                login = self.headers.get("Authorization", "")
                data = json.dumps(airflow.answer(self.path, body, login)).encode()
                self.send_response(airflow.code)
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, body: dict[str, Any], login: str) -> Any:
        parts = urlsplit(path)
        if parts.path == "/auth/token":
            return {"access_token": f"{body['username']}/{body['password']}"}
        assert login == "Bearer anna/key"
        if parts.path == "/api/v2/assets/events":
            self.events.append(body)
            return {}
        [pattern] = parse_qs(parts.query)["uri_pattern"]
        found = [(number, uri) for number, uri in enumerate(ASSETS) if pattern in uri]
        return {"assets": [{"id": number, "uri": uri} for number, uri in found]}


@pytest.fixture
def airflow() -> Iterator[SmallAirflow]:
    running = SmallAirflow()
    yield running
    running.server.shutdown()
    running.server.server_close()


def announced(tmp_path, revision: Revision = REVISION, **values: Any) -> list[str]:
    """What is said when `revision` is announced from a workspace with these settings."""
    lines: list[str] = []
    announce_revision(revision, Settings(workspace=tmp_path, **values), lines.append)
    return lines


def server_of(airflow: SmallAirflow) -> dict[str, Any]:
    address = f"http://127.0.0.1:{airflow.server.server_port}"
    return {"airflow": address, "airflow_user": "anna", "airflow_password": "key"}


def test_the_asset_of_these_data_gets_an_event_with_the_revision(airflow, tmp_path):
    lines = announced(tmp_path, **server_of(airflow))

    assert lines == ["announced to Airflow as aiwf://data/shapes"]
    extra = {"revision": REVISION.revision, "samples": 24, "note": "more of them"}
    assert airflow.events == [{"asset_id": 0, "extra": extra}]


def test_data_that_no_pipeline_there_uses_are_not_announced(airflow, tmp_path):
    other = REVISION._replace(name="birds")

    assert announced(tmp_path, other, **server_of(airflow)) == []
    assert airflow.events == []


def test_a_server_that_refuses_is_told_and_raises_nothing(airflow, tmp_path):
    airflow.code = 403

    [line] = announced(tmp_path, **server_of(airflow))

    assert line.startswith("saved, but not announced to Airflow: ")
    assert "403" in line
    assert "AIWF_AIRFLOW_USER" in line
    assert "key" not in line


def test_a_server_that_does_not_answer_is_told(tmp_path):
    port = free_port(30_000 + os.getpid() % 5_000)

    [line] = announced(tmp_path, airflow=f"http://127.0.0.1:{port}")

    assert "not announced" in line


def test_where_no_airflow_runs_nothing_is_said(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()  # another program, at the port of an Airflow that is not started
        port = other.getsockname()[1]

        assert announced(tmp_path, airflow_port=port) == []
    assert announced(tmp_path, airflow_port=free_port(port)) == []
