"""Hostile requests: raw bytes over a socket to a real server of a real package."""

import contextlib
import re
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import psutil

from stages.deploy.packed import write_folder
from tests.chaos.fuzz import media, packages
from tests.chaos.fuzz.mutations import STRINGS, Generator, changed_bytes, pick
from tests.runtime import painting

Pieces = tuple[bytes, ...]
QUIET = 0.3  # seconds without an answer after which a truncated request is closed
LONGEST = 10.0

PHOTO = painting.saved(painting.plain(size=(60, 40)), "JPEG")
PATHS = ("/predict", "/predict?top=1", "/health", "/metadata", "/metrics", "/docs", "/openapi.json")
HOSTILE_PATHS = (
    "/predict?top=-1",
    "/predict?threshold=nan",
    "/predict?top=%ff%00",
    "/../../etc/passwd",
    "/%2e%2e/",
    "//",
    "*",
    "http://evil.example/predict",
    "/predict?" + "a=1&" * 2000,
    "/" + "x" * 20_000,
)
HOSTILE_HEADERS = (
    "content-length: -1",
    "content-length: 99999999999999999999",
    "content-length: 5",
    "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked",
    "content-type: multipart/form-data",
    "content-type: multipart/form-data; boundary=" + "b" * 500,
    "content-type: application/json",
    "content-encoding: gzip",
    "expect: 100-continue",
    "upgrade: websocket",
    "x: " + "y" * 70_000,
    "\0: \x1b[2J",
    "host: evil.example\r\nhost: two.example",
    *("x-" + str(k) + ": y" for k in range(3)),
)


def request(rng: Generator) -> Pieces:
    """A request in one to three pieces, usually a broken one."""
    path = pick(rng, HOSTILE_PATHS if rng.random() < 0.3 else PATHS)
    method = pick(rng, ("GET", "POST", "POST", "POST", "HEAD", "OPTIONS", "PUT", "X" * 300, ""))
    body, kind = _body(rng)
    headers = ["host: 127.0.0.1", "connection: close", kind, f"content-length: {len(body)}"]
    if rng.random() < 0.5:
        headers[-1 if rng.random() < 0.5 else 2] = pick(rng, HOSTILE_HEADERS)
    head = f"{method} {path} HTTP/1.1\r\n" + "\r\n".join(headers) + "\r\n\r\n"
    data = head.encode("latin-1", "replace") + body
    if rng.random() < 0.4:
        data = changed_bytes(data, rng)
    places = sorted(int(rng.integers(len(data) + 1)) for _ in range(int(rng.integers(0, 3))))
    return tuple(data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True))


def _body(rng: Generator) -> tuple[bytes, str]:
    photo = media.picture(rng) if rng.random() < 0.3 else PHOTO
    match int(rng.integers(4)):
        case 0:
            return photo, "content-type: image/jpeg"
        case 1:
            return b"", "content-type: image/png"
        case 2:
            chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(photo), photo)
            return chunks, "transfer-encoding: chunked"
    name = pick(rng, STRINGS)[:200].encode("utf-8", "replace")
    part = b'--b\r\ncontent-disposition: form-data; name="files"; filename="%b"\r\n\r\n' % name
    return (
        part + photo + b"\r\n"
    ) * 2 + b"--b--\r\n", "content-type: multipart/form-data; boundary=b"


class Server:
    """A package's own service on loopback, as a context manager."""

    def __enter__(self) -> Self:
        self._scratch = TemporaryDirectory(prefix="fuzz-")
        folder = Path(self._scratch.name) / "package"
        write_folder(folder, packages.colours())
        self._errors = (Path(self._scratch.name) / "errors").open("w+b")
        command = [sys.executable, "-m", "colours_sdk", "serve", "--port", "0", "--threads", "1"]
        self.process = psutil.Popen(command, cwd=folder, stderr=self._errors)
        self.port = self._port()
        self._read = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._errors.close()
        self._scratch.cleanup()

    def _port(self) -> int:
        for _ in range(600):
            found = re.search(rb"http://127\.0\.0\.1:(\d+)", self._output())
            if found:
                return int(found[1])
            with contextlib.suppress(psutil.TimeoutExpired):
                self.process.wait(0.1)
                break
        raise RuntimeError(f"The service did not start: {self._output()!r}")

    def _output(self) -> bytes:
        return Path(self._errors.name).read_bytes()

    def status_of(self, pieces: Pieces) -> int:
        """The status of the answer to `pieces`; 0 if the connection is closed instead.

        Raises TimeoutError if neither happens in time, RuntimeError for a traceback or status
        500."""
        status = self._sent(pieces)
        output = self._output()[self._read :]
        self._read += len(output)
        if status == 500 or b"Traceback" in output or not self.process.is_running():
            raise RuntimeError(f"status {status}: {output[-2000:].decode(errors='replace')}")
        return status

    def _sent(self, pieces: Pieces) -> int:
        with socket.create_connection(("127.0.0.1", self.port), LONGEST) as connection:
            with contextlib.suppress(ConnectionError, BrokenPipeError):
                for piece in pieces:
                    connection.sendall(piece)
            connection.settimeout(QUIET)
            with contextlib.suppress(ConnectionError):
                try:
                    return _status(connection.recv(2**16))
                except TimeoutError:
                    pass
                connection.settimeout(LONGEST - QUIET)
                connection.shutdown(socket.SHUT_WR)
                return _status(connection.recv(2**16))
        return 0

    def processes(self) -> list[Any]:
        """The server and its child processes."""
        return [self.process, *self.process.children(recursive=True)]


def _status(answer: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(found[1]) if found else 0
