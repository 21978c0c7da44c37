"""A worker process of the service, seen from the service: start it, send requests, end it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from . import errors
from .errors import InfrastructureError, WorkflowError
from .limits import Limits
from .service_worker import PredictRequest, Reply, What, read_reply, send_job

START_SECONDS = 120.0  # to import the libraries and load the network on a busy machine
FAILED_STARTS = 3  # consecutive ones after which the service reports itself as failing
PAUSES = (0.0, 0.5, 2.0, 5.0)  # seconds before the next start after so many failed ones
BOOT = (
    "import sys, json, importlib; sys.path[:] = json.loads(sys.argv[1]);"
    "importlib.import_module(sys.argv[2]).main(*json.loads(sys.argv[3]))"
)


def command_of(module: str, *arguments: Any, flags: Sequence[str] = ()) -> list[str]:
    """The command that calls the `main` of `module` with `arguments`, which JSON can say, in
    another Python process, which imports from where this one does. `flags`: of Python."""
    boot = [BOOT, json.dumps(sys.path), module, json.dumps(arguments)]
    return [sys.executable, *flags, "-c", *boot]


class WorkerSetup(NamedTuple):
    """What the workers load: the package in `folder`. `noun`: what a sample is called; `untested`:
    also on a processor for which the package was not verified."""

    folder: Path
    noun: str
    untested: bool = False


class Gone(Exception):
    """The worker ended in the middle of a request; `why` is `time` or `crash`."""

    def __init__(self, why: str, code: int | None) -> None:
        self.why = why
        self.code = code


class WorkerProcess:
    """A process and the pipes to it. One thread uses it; any thread may end it."""

    def __init__(self, package: WorkerSetup, limits: Limits, ended: Callable[[str], None]) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._package, self._limits, self._ended = package, limits, ended
        self._ready = self._late = False
        self._deadline: float | None = None
        self._lock = threading.Lock()  # around the deadline, the process and whether all is over
        self._closed = False
        self._failures: list[WorkflowError] = []
        self._not_before = 0.0

    def launch(self) -> None:
        """Start a process; it loads the package on its own."""
        loads = (str(self._package.folder), self._limits.memory, self._package.untested)
        flags = ["-P", *(["-B"] if sys.dont_write_bytecode else [])]
        group = 0 if os.name == "posix" else None  # of its own, as Ctrl-C is for the service
        with self._lock:
            if self._closed:
                raise Gone("crash", None)
            self._ready = self._late = False
            self.process = subprocess.Popen(
                command_of(f"{__package__}.service_worker", *loads, flags=flags),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=group,
            )

    def await_ready(self) -> None:
        """Wait until the package is loaded. Raises the error that the process reports, or
        InfrastructureError if it ended."""
        if self._ready:
            return
        self._set_deadline(time.monotonic() + START_SECONDS)
        try:
            reply = read_reply(self._output())
        except (EOFError, OSError):
            reply = None
        self._set_deadline(None)
        if reply is not None and reply.what is What.READY:
            self._ready = True
            self._failures.clear()
            return
        self._fail(_failure(reply, self._end()))

    def predict(
        self, options: PredictRequest, body: bytes, take: Callable[[Reply], None], ends: float
    ) -> Reply:
        """The last reply to a request with `options` and `body`; earlier replies go to `take`.
        `ends`: the time, by time.monotonic(), at which the request has to be finished.

        Raises Gone if the process crashed or was killed for taking too long; WorkflowError if no
        process can be started."""
        self._ensure()
        try:
            self._set_deadline(min(time.monotonic() + options.seconds, ends))
            send_job(self._input(), options, body)
            while (reply := read_reply(self._output())).what in (What.STARTED, What.PART):
                take(reply)
                self._set_deadline(min(time.monotonic() + options.seconds, ends))
        except (EOFError, OSError):
            self._set_deadline(None)
            why = "time" if self._late else "crash"
            code = self._end()
            self._replace("memory" if code == 0 else why)
            raise Gone(why, code) from None
        self._set_deadline(None)
        if reply.what is What.LAST or self._late:
            self._end()
            self._replace("memory" if reply.what is What.LAST else "time")
        return reply

    def end_if_late(self) -> None:
        """Kill the process if its deadline has passed."""
        with self._lock:
            if self._deadline is not None and time.monotonic() > self._deadline and self.process:
                self._late, self._deadline = True, None
                self.process.kill()

    def failing(self) -> str:
        """The problem that kept the process from starting FAILED_STARTS times in a row; else ""."""
        return self._failures[-1].problem if len(self._failures) >= FAILED_STARTS else ""

    def close(self) -> None:
        """End the process for good."""
        with self._lock:
            self._closed = True
            if self.process:
                self.process.kill()
        self._end()

    def _ensure(self) -> None:
        if self.process is not None and self.process.poll() is not None:
            self._end()  # it was ended while it had nothing to do
            self._ended("crash")
        if self.process is None:
            if time.monotonic() < self._not_before:
                raise self._failures[-1]
            self.launch()
        self.await_ready()

    def _replace(self, why: str) -> None:
        self._ended(why)
        with suppress(Gone, OSError):  # the next job tries again
            self.launch()

    def _fail(self, error: WorkflowError) -> None:
        self._failures.append(error)
        del self._failures[:-FAILED_STARTS]
        self._not_before = time.monotonic() + PAUSES[min(len(self._failures), len(PAUSES) - 1)]
        self._ended("start")
        raise error

    def _set_deadline(self, when: float | None) -> None:
        with self._lock:
            self._deadline = None if self._late else when

    def _end(self) -> int | None:
        """End the process and return its exit code; None if there is none."""
        with self._lock:
            process, self.process = self.process, None
        if process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)  # it may be about to end by itself, and then its code says why
        process.kill()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what it has not read
                cast(IO[bytes], stream).close()
        return code

    def _input(self) -> BinaryIO:
        return self._stream("stdin")

    def _output(self) -> BinaryIO:
        return self._stream("stdout")

    def _stream(self, name: str) -> BinaryIO:
        process = self.process
        if process is None:
            raise EOFError
        return cast(BinaryIO, getattr(process, name))


def _failure(reply: Reply | None, code: int | None) -> WorkflowError:
    """The error of a worker that did not start, from its reply or its exit code."""
    if reply is None:
        return InfrastructureError(
            f"A worker process ended while it loaded the package ({how_it_ended(code)}).",
            "Check the memory of this machine, and run selftest of the package.",
        )
    record: dict[str, Any] = json.loads(reply.content)
    kind = getattr(errors, record["kind"], InfrastructureError)
    return cast(WorkflowError, kind(record["problem"], record["remedy"]))


def how_it_ended(code: int | None) -> str:
    """The name of the signal that ended a process, or its exit code."""
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"
