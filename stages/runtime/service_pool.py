"""The pool of worker processes of the service: assigns requests and ends workers that hang."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import NamedTuple

from .errors import WorkflowError
from .limits import Limits
from .service_process import Gone, WorkerProcess, WorkerSetup, how_it_ended
from .service_worker import PredictRequest, Reply, What, problem, spelled

WATCH_SECONDS = 0.1  # between two checks of the time limits
AGAIN_SECONDS = 0.6  # before another start is tried: a worker pauses for 0.5 s after a failed one


class Answer(NamedTuple):
    """The response to the client."""

    status: int
    content: bytes
    media_type: str


@dataclass
class PendingRequest:
    """A request in the queue and the future of its answer."""

    options: PredictRequest
    body: bytes
    answer: Future[Answer]


class Pool:
    """Worker processes, each with a thread that feeds it requests. They start with the first
    request, or with `start`."""

    def __init__(
        self, package: WorkerSetup, workers: int, limits: Limits, ended: Callable[[str], None]
    ) -> None:
        """`ended`: called with the reason whenever a worker ended and was replaced: `time`,
        `memory`, `crash` or `start`."""
        self.noun = package.noun
        self._jobs: queue.SimpleQueue[PendingRequest | None] = queue.SimpleQueue()
        self._workers = [WorkerProcess(package, limits, ended) for _ in range(workers)]
        self._limits = limits
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Start all workers and wait until they are ready. Raises a worker's error if it cannot
        load the package."""
        for worker in self._workers:
            worker.launch()
        try:
            for worker in self._workers:
                worker.await_ready()
        except BaseException:
            self.close()
            raise
        self._start_threads()

    def submit(self, options: PredictRequest, body: bytes) -> Future[Answer]:
        """Queue `body` for the next free worker, to be answered with `options`. The future can be
        cancelled as long as no worker has begun."""
        self._start_threads()
        job = PendingRequest(options, body, Future())
        self._jobs.put(job)
        return job.answer

    def __len__(self) -> int:
        return len(self._workers)

    def failing(self) -> str:
        """The reason why no worker can start, after repeated attempts; "" if some can."""
        reasons = [worker.failing() for worker in self._workers]
        return reasons[0] if all(reasons) else ""

    def pids(self) -> list[int]:
        """The ids of the running worker processes."""
        return [worker.process.pid for worker in self._workers if worker.process]

    def close(self) -> None:
        """End all workers at once, also in the middle of a request."""
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

    def _feed(self, worker: WorkerProcess) -> None:
        while (job := self._jobs.get()) is not None:
            if not job.answer.set_running_or_notify_cancel():
                continue  # its client has left
            try:
                job.answer.set_result(self._answer(worker, job))
            except BaseException as error:
                job.answer.set_exception(error)
            del job  # its body, while the next one is awaited

    def _answer(self, worker: WorkerProcess, job: PendingRequest) -> Answer:
        options = replace(job.options, seconds=self._limits.seconds)
        ends = time.monotonic() + self._limits.request_seconds
        form, again = Form(), 0 if job.options.form else self._limits.again
        while True:
            first = len(form.answers)
            try:
                reply = worker.predict(replace(options, first=first), job.body, form.take, ends)
            except Gone as gone:
                if self._closed.is_set():
                    return _json(503, *_STOPPING)
                if gone.why == "crash" and again:  # perhaps somebody ended it
                    again -= 1
                    continue
                lost = self._lost(gone)
                if time.monotonic() >= ends or not form.goes_on(first, lost):
                    return _json(*lost)
            except WorkflowError as error:  # no worker starts
                if again and time.monotonic() < ends:  # perhaps it was ended while it loaded
                    again -= 1
                    time.sleep(AGAIN_SECONDS)
                    continue
                return _json(503, error.problem, error.remedy)
            else:
                if options.form and reply.status == 200:
                    return form.answer()
                media_type = "image/jpeg" if reply.what is What.JPEG else "application/json"
                return Answer(reply.status, reply.content, media_type)

    def _lost(self, gone: Gone) -> tuple[int, str, str]:
        if gone.why == "time":
            return (
                422,
                f"The {self.noun} was not answered within {self._limits.seconds:g} s.",
                f"Its file takes far longer than others: save the {self.noun} again, or smaller.",
            )
        return (
            500,
            f"The process that worked on the {self.noun} ended ({how_it_ended(gone.code)}).",
            "Another has taken its place. If other samples end so, too, run selftest.",
        )


_STOPPING = ("The service is being stopped.", "Ask again in a minute.")


def _json(status: int, message: str, remedy: str) -> Answer:
    return Answer(status, problem(WorkflowError(message, remedy)), "application/json")


class Form:
    """Collects the answers to the files of a form."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self._current_file: str | None = None

    def take(self, reply: Reply) -> None:
        """Take a worker's reply: a file that it started, or that file's answer."""
        if reply.what is What.STARTED:
            self._current_file = reply.content.decode()
        else:
            self.answers.append(reply.content)
            self._current_file = None

    def goes_on(self, first: int, lost: tuple[int, str, str]) -> bool:
        """Whether another worker should continue after a worker that began with file `first` was
        `lost`. It should if that worker answered at least one file, counting the one at which it
        ended, which gets the problem `lost` as its answer."""
        if self._current_file is not None:
            _, message, remedy = lost
            record = {"file": self._current_file, "problem": message, "remedy": remedy}
            self.answers.append(spelled(record))
            self._current_file = None
        return len(self.answers) > first

    def answer(self) -> Answer:
        content = b'{"predictions":[' + b",".join(self.answers) + b"]}"
        return Answer(200, content, "application/json")
