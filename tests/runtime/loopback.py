"""The service of a package as a process of its own on loopback, and clients that misbehave."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

SERVE = """
import json, sys
from pathlib import Path
from stages.runtime.limits import Limits
from stages.runtime.server import serve
serve(Path(sys.argv[1]), port=0, threads=int(sys.argv[2]), limits=Limits(**json.loads(sys.argv[3])))
"""
GUARD = 60  # seconds after which a test that hangs is given up


class Service:
    """A running service: `log` is what it wrote to its error stream, once it has ended."""

    def __init__(self, process, port, log):
        self.process = process
        self.port = port
        self.place = f"http://127.0.0.1:{port}"
        self._log = log
        self.tree = psutil.Process(process.pid)

    @property
    def log(self):
        return self._log.read_text()

    def health(self):
        return httpx.get(f"{self.place}/health", timeout=GUARD).status_code

    def predict(self, data, **options):
        headers = {"content-type": "image/png"}
        return httpx.post(
            f"{self.place}/predict", content=data, headers=headers, timeout=GUARD, **options
        )

    def number(self, name):
        """A number of /metrics, by its name and labels; 0 if it is not there yet."""
        text = httpx.get(f"{self.place}/metrics", timeout=GUARD).text
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def until(self, name, least):
        """Wait until a number is `least` or more."""
        ends = time.monotonic() + GUARD
        while (number := self.number(name)) < least:
            assert time.monotonic() < ends, f"{name} is {number}"
            time.sleep(0.05)

    def workers(self):
        return self.tree.children(recursive=True)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=GUARD)

    def stop(self):
        """End it as a system does, and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GUARD)


@contextmanager
def listening(folder: Path, log: Path, threads: int = 1, environment=None, **limits):
    """The service of the package in `folder`, with `limits` that are not the usual ones."""
    command = [sys.executable, "-c", SERVE, str(folder), str(threads), json.dumps(limits)]
    with log.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream, env=environment)
    try:
        service = Service(process, _port(process, log), log)
        yield service
    finally:
        process.kill()
        process.wait(GUARD)


def _port(process, log):
    ends = time.monotonic() + GUARD
    while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/predict", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends
        time.sleep(0.05)
    return int(found.group(1))


def head(length=None, *lines, path="/predict", method="POST"):
    """The beginning of a request."""
    sized = [] if length is None else [f"Content-Length: {length}"]
    kind = ["Content-Type: image/png"]
    text = "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *sized, *kind, *lines])
    return text.encode() + b"\r\n\r\n"


def reply(connection):
    """All that comes until the other side ends, or says no more."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
            if _is_whole(data):
                break
    except ConnectionResetError:
        pass
    return data


def _is_whole(data):
    top, separator, body = data.partition(b"\r\n\r\n")
    if top.startswith(b"HTTP/1.1 100"):
        return True
    size = re.search(rb"content-length: (\d+)", top)
    return bool(separator and size and len(body) >= int(size.group(1)))
