"""A small head of a cluster, as far as Ray's client of jobs sees it: jobs are submitted, polled
and stopped over HTTP. What a job does is a function in this process."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any

Answer = tuple[int, Any]
LOG = 'aiwf-told ["progress", "trials", 1, 2]\n'  # of every job


@dataclass
class Office:
    """`work`: what a job does before it ends, given its digest; `polls`: how often its
    status is requested until then; `fails`: so many requests about a job are answered with 503
    first. `refusals`: answers to the first jobs that are submitted; None: the job is accepted, and
    the connection is broken before the answer."""

    work: Callable[[str], None] = lambda digest: None
    polls: int = 0
    fails: int = 0
    refusals: list[Answer | None] = field(default_factory=list)
    address: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """The answer to one request."""
        match method, path.strip("/").split("/")[1:]:
            case "GET", ["version"]:
                return 200, {"version": "4", "ray_version": version("ray"), "ray_commit": ""}
            case _, ["packages", *_]:
                return 200, {}
            case "GET", ["jobs"]:
                return 200, list(self.jobs.values())
            case "POST", ["jobs"]:
                return self._submitted(body)
            case _, ["jobs", name, *what]:
                return self._about(name, what)
        return 404, {}

    def _submitted(self, body: Any) -> Answer:
        refusal = self.refusals.pop(0) if self.refusals else (200, {})
        if refusal and refusal[0] != 200:
            return refusal
        answer = self._started(body)
        if refusal is None:
            raise ConnectionAbortedError
        return answer

    def _started(self, body: Any) -> Answer:
        name, digest = body["submission_id"], body["entrypoint"].split()[-1]
        job = {"type": "SUBMISSION", "submission_id": name, "status": "RUNNING", "message": ""}
        submitted = {"entrypoint": body["entrypoint"], "runtime_env": body["runtime_env"]}
        self.jobs[name] = job | submitted | {"metadata": {"digest": digest}}
        return 200, {"job_id": name, "submission_id": name}

    def _about(self, name: str, what: list[str]) -> Answer:
        job = self.jobs[name]
        if self.fails:
            self.fails -= 1
            return 503, {}
        if what == ["stop"]:
            job["status"] = "STOPPED"
            return 200, {"stopped": True}
        if what == ["logs"]:
            return 200, {"logs": LOG}
        return 200, self._polled(job)

    def _polled(self, job: dict[str, Any]) -> dict[str, Any]:
        self.polls -= 1
        if self.polls < 0 and job["status"] == "RUNNING":
            self.work(job["metadata"]["digest"])
            job["status"] = "SUCCEEDED"
        return job


@contextmanager
def opened(office: Office) -> Iterator[Office]:
    """`office` at an address of this machine."""

    class Counter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            is_json = self.headers.get("Content-Type") == "application/json"
            body = json.loads(content) if is_json else None
            try:
                code, answer = office.answer(self.command, self.path, body)
            except ConnectionAbortedError:
                self.close_connection = True
                self.connection.close()
                return
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    office.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield office
    finally:
        server.shutdown()
        server.server_close()
