"""The worker processes of the service: who gets which job, and what becomes of one that hangs."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from . import errors
from .errors import InfrastructureError, WorkflowError
from .limits import Limits
from .service_worker import Question, Reply, What, problem, read_reply, send_job, spelled

START_SECONDS = 120.0  # to import the libraries and load the network on a busy machine
WATCH_SECONDS = 0.1  # how often time limits are looked at
FAILED_STARTS = 3  # in a row, and the service says that it is not well
PAUSES = (0.0, 0.5, 2.0, 5.0)  # seconds before the next start after so many failed ones
BOOT = (
    "import sys, json, importlib; sys.path[:] = json.loads(sys.argv[1]);"
    "importlib.import_module(sys.argv[2]).main(*json.loads(sys.argv[3]))"
)


class Package(NamedTuple):
    """What the workers load. `thing`: what a sample is called; `untested`: whatever the
    processor."""

    folder: Path
    thing: str
    untested: bool = False


class Answer(NamedTuple):
    """What goes back to the client."""

    status: int
    content: bytes
    media_type: str


class Gone(Exception):
    """The worker ended in the middle of a job; `why` is `time` or `crash`."""

    def __init__(self, why: str, code: int | None) -> None:
        self.why = why
        self.code = code


@dataclass
class Job:
    """One request's work, and where its answer is awaited."""

    question: Question
    body: bytes
    answer: Future[Answer]


class Pool:
    """As many workers as answers may be made at once; each is a process and a thread that feeds
    it. They start with the first job, or with `start`."""

    def __init__(
        self, package: Package, workers: int, limits: Limits, ended: Callable[[str], None]
    ) -> None:
        """`ended`: called with the reason whenever a worker was
        ended and replaced: `time`, `memory`, `crash` or `start`."""
        self.thing = package.thing
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._workers = [Worker(package, limits, ended) for _ in range(workers)]
        self._limits = limits
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Start all workers. Raises what a worker meets when it loads the package."""
        for worker in self._workers:
            worker.launch()
        try:
            for worker in self._workers:
                worker.await_ready()
        except BaseException:
            self.close()
            raise
        self._start_threads()

    def submit(self, question: Question, body: bytes) -> Future[Answer]:
        """Let the next free worker answer `question` about `body`; a job that is still waiting can
        be cancelled."""
        self._start_threads()
        job = Job(question, body, Future())
        self._jobs.put(job)
        return job.answer

    def __len__(self) -> int:
        return len(self._workers)

    def failing(self) -> str:
        """What keeps all workers from starting, time after time; "" if they start."""
        reasons = [worker.failing() for worker in self._workers]
        return reasons[0] if all(reasons) else ""

    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.process.pid for worker in self._workers if worker.process]

    def close(self) -> None:
        """End all workers, whatever they do."""
        self._closed.set()
        for worker in self._workers:
            self._jobs.put(None)
            worker.close()

    def _start_threads(self) -> None:
        with self._lock:
            if self._started:
                return
            self._started = True
        for worker in self._workers:
            threading.Thread(target=self._feed, args=(worker,), daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(WATCH_SECONDS):
            for worker in self._workers:
                worker.end_if_late()

    def _feed(self, worker: "Worker") -> None:
        while (job := self._jobs.get()) is not None:
            if not job.answer.set_running_or_notify_cancel():
                continue  # its client has left
            try:
                job.answer.set_result(self._answer(worker, job))
            except BaseException as error:
                job.answer.set_exception(error)
            del job  # its body, while the next one is awaited

    def _answer(self, worker: "Worker", job: Job) -> Answer:
        question = replace(job.question, seconds=self._limits.seconds)
        ends = time.monotonic() + self._limits.request_seconds
        form = Form()
        while True:
            first = len(form.answers)
            try:
                reply = worker.ask(replace(question, first=first), job.body, form.take, ends)
            except Gone as gone:
                if self._closed.is_set():
                    return _json(503, *_STOPPING)
                lost = self._lost(gone)
                if time.monotonic() >= ends or not form.goes_on(first, lost):
                    return _json(*lost)
            except WorkflowError as error:  # no worker starts
                return _json(503, error.problem, error.remedy)
            else:
                if question.form and reply.status == 200:
                    return form.answer()
                media_type = "image/jpeg" if reply.what is What.JPEG else "application/json"
                return Answer(reply.status, reply.content, media_type)

    def _lost(self, gone: Gone) -> tuple[int, str, str]:
        if gone.why == "time":
            return (
                422,
                f"The {self.thing} was not answered within {self._limits.seconds:g} s.",
                f"Its file takes far longer than others: save the {self.thing} again, or smaller.",
            )
        return (
            500,
            f"The process that worked on the {self.thing} ended ({_how(gone.code)}).",
            "Another has taken its place. If other samples end so, too, run selftest.",
        )


_STOPPING = ("The service is being stopped.", "Ask again in a minute.")


def _json(status: int, words: str, remedy: str) -> Answer:
    return Answer(status, problem(WorkflowError(words, remedy)), "application/json")


class Form:
    """The answers to a form's files so far."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._begun: str | None = None

    def take(self, reply: Reply) -> None:
        """Note what a worker says of a file."""
        if reply.what is What.BEGUN:
            self._begun = reply.content.decode()
        else:
            self.answers.append(reply.content)
            self._begun = None

    def goes_on(self, first: int, lost: tuple[int, str, str]) -> bool:
        """Whether another worker is to answer the rest, as this one, which began at file `first`,
        came further: it ended with a file, which costs that file alone."""
        if self._begun is not None:
            _, words, remedy = lost
            record = {"file": self._begun, "problem": words, "remedy": remedy}
            self.answers.append(spelled(record))
            self._begun = None
        return len(self.answers) > first

    def answer(self) -> Answer:
        content = b'{"predictions":[' + b",".join(self.answers) + b"]}"
        return Answer(200, content, "application/json")


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


class Worker:
    """One process and the pipes to it. Used by one thread, and ended by any."""

    def __init__(self, package: Package, limits: Limits, ended: Callable[[str], None]) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._package, self._limits, self._ended = package, limits, ended
        self._ready = self._late = False
        self._deadline: float | None = None
        self._lock = threading.Lock()  # around the deadline, the process and whether all is over
        self._closed = False
        self._failures: list[WorkflowError] = []
        self._not_before = 0.0

    def launch(self) -> None:
        """Start a process, which then loads the package."""
        loads = [str(self._package.folder), self._limits.memory, self._package.untested]
        words = [json.dumps(sys.path), f"{__package__}.service_worker", json.dumps(loads)]
        flags = ["-P", *(["-B"] if sys.dont_write_bytecode else [])]
        group = 0 if os.name == "posix" else None  # of its own, as Ctrl-C is for the service
        with self._lock:
            if self._closed:
                raise Gone("crash", None)
            self._ready = self._late = False
            self.process = subprocess.Popen(
                [sys.executable, *flags, "-c", BOOT, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=group,
            )

    def await_ready(self) -> None:
        """Wait until the package is loaded. Raises what the process met, or that it ended."""
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

    def ask(
        self, question: Question, body: bytes, take: Callable[[Reply], None], ends: float
    ) -> Reply:
        """The last reply to `question` about `body`; those before it are given to `take`.

        Raises Gone if the process ended, of itself or as it took too long; WorkflowError if no
        process starts."""
        self._ensure()
        try:
            self._set_deadline(min(time.monotonic() + question.seconds, ends))
            send_job(self._input(), question, body)
            while (reply := read_reply(self._output())).what in (What.BEGUN, What.PART):
                take(reply)
                self._set_deadline(min(time.monotonic() + question.seconds, ends))
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
        """End the process if it should have answered by now."""
        with self._lock:
            if self._deadline is not None and time.monotonic() > self._deadline and self.process:
                self._late, self._deadline = True, None
                self.process.kill()

    def failing(self) -> str:
        """What keeps the process from starting, if it failed several times in a row; or ""."""
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
        """End the process, if there is one; its exit code."""
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
    """Why a worker did not start."""
    if reply is None:
        return InfrastructureError(
            f"A worker process ended while it loaded the package ({_how(code)}).",
            "Check the memory of this machine, and run selftest of the package.",
        )
    record: dict[str, Any] = json.loads(reply.content)
    kind = getattr(errors, record["kind"], InfrastructureError)
    return cast(WorkflowError, kind(record["problem"], record["remedy"]))
