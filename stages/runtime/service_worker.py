"""The program of a worker process, which the service may kill at any time.

It reads jobs from its standard input and writes replies to its standard output. A decoder or engine
that hangs, crashes or takes too much memory harms only this process."""

import json
import os
import signal
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .errors import BadSample, WorkflowError
from .predictor import Predictor

JOB = struct.Struct(">IQ")  # bytes of the options, bytes of the body
REPLY = struct.Struct(">BHQ")  # kind of reply, HTTP status, bytes of the content
SPARE_SECONDS = 5  # after a job's time limit the process ends itself, in case its parent is gone
TOO_LITTLE_MEMORY = 422
OOM_SCORE = b"500"  # of 1000: the kernel ends a worker before it ends the service


class What(IntEnum):
    """The kind of a reply."""

    READY = 0  # the package is loaded
    FAILED = 1  # the package cannot be loaded
    STARTED = 2  # work on a file of a form has started; the content is its name
    PART = 3  # that file's answer
    JSON = 4
    JPEG = 5
    LAST = 6  # JSON; afterwards this process ends, because it ran out of memory


@dataclass(frozen=True)
class PredictRequest:
    """The options of a request. `form`: the content type if the body is a form, else "". `first`:
    the first file of the form to answer. `seconds`: the time limit for one sample."""

    top: int | None = None
    threshold: float | None = None
    draw: bool = False
    form: str = ""
    first: int = 0
    most_files: int = 32
    seconds: float = 10.0


class Reply(NamedTuple):
    """One message of a worker."""

    what: What
    status: int
    content: bytes


def send_job(stream: BinaryIO, options: PredictRequest, body: bytes) -> None:
    """Write one job to a worker. Raises OSError if the worker is gone."""
    payload = json.dumps(asdict(options)).encode()
    stream.write(JOB.pack(len(payload), len(body)) + payload)
    stream.write(body)
    stream.flush()


def read_reply(stream: BinaryIO) -> Reply:
    """Read one reply of a worker. Raises EOFError if the worker is gone."""
    what, status, size = REPLY.unpack(_exactly(stream, REPLY.size))
    return Reply(What(what), status, _exactly(stream, size))


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def spelled(answer: Any) -> bytes:
    """`answer` as JSON in UTF-8. Raises ValueError for NaN and infinity."""
    return json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def problem(error: WorkflowError) -> bytes:
    """`error` as a JSON object with its problem and remedy."""
    return spelled({"problem": error.problem, "remedy": error.remedy})


def status_of(error: WorkflowError) -> int:
    """The HTTP status of `error`: 422 if the sample caused it, 500 if this machine did."""
    return 422 if isinstance(error, BadSample) else 500


def main(folder: str, memory: int, untested: bool) -> None:
    """Load the package in `folder` and answer jobs until the input ends.

    `memory`: bytes that may be used beyond those of the loaded package. `untested`: also on a
    processor for which the package was not verified."""
    jobs, replies = _streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this
    try:
        predictor = Predictor.open(Path(folder), untested=untested)
    except WorkflowError as error:
        record = {"kind": type(error).__name__, "problem": error.problem, "remedy": error.remedy}
        _reply(replies, Reply(What.FAILED, 500, spelled(record)))
        return
    _bound_memory(memory)
    _reply(replies, Reply(What.READY, 200, b""))
    with suppress(BrokenPipeError, EOFError):  # the service is gone
        _serve(predictor, jobs, replies)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """The streams of jobs and replies. Standard output is redirected to the error stream, so that
    what libraries print does not mix with replies."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return sys.stdin.buffer, _Whole(replies)  # type: ignore[return-value]


class _Whole:
    """An unbuffered stream whose `write` returns only when all bytes are written."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._stream.write(view) :]


def _serve(predictor: Predictor, jobs: BinaryIO, replies: BinaryIO) -> None:
    while True:
        options_size, size = JOB.unpack(_exactly(jobs, JOB.size))
        options = PredictRequest(**json.loads(_exactly(jobs, options_size)))
        body = _exactly(jobs, size)
        for reply in _replies(predictor, options, body):
            _reply(replies, reply)
            if reply.what is What.LAST:
                os._exit(0)  # at once, as somebody waits for the next process
        _alarm(0)


def _reply(stream: BinaryIO, reply: Reply) -> None:
    stream.write(REPLY.pack(reply.what, reply.status, len(reply.content)) + reply.content)


def _replies(predictor: Predictor, options: PredictRequest, body: bytes) -> Iterator[Reply]:
    _alarm(options.seconds)
    try:
        if options.form:
            yield from _form(predictor, options, body)
        elif options.draw:
            answer = predictor.predict(body, options.top, options.threshold)
            yield Reply(What.JPEG, 200, predictor.kind.draw(body, answer))
        else:
            answer = predictor.predict(body, options.top, options.threshold)
            yield Reply(What.JSON, 200, spelled(answer))
    except WorkflowError as error:
        if _ran_out(error):
            yield Reply(What.LAST, TOO_LITTLE_MEMORY, problem(_too_much(predictor)))
        else:
            yield Reply(What.JSON, status_of(error), problem(error))
    except MemoryError:
        yield Reply(What.LAST, TOO_LITTLE_MEMORY, problem(_too_much(predictor)))
    except Exception as error:  # a fault of ours must not cost the process
        fault = WorkflowError(f"{type(error).__name__}: {error}.", "Run selftest of the package.")
        yield Reply(What.JSON, 500, problem(fault))


def _form(predictor: Predictor, options: PredictRequest, body: bytes) -> Iterator[Reply]:
    """Two replies for each file of a form from `options.first` on (STARTED, PART), and an empty one
    at the end."""
    from starlette.formparsers import MultiPartException

    try:
        files = _files(body, options)
    except MultiPartException as error:
        refusal = {"problem": error.message, "remedy": "The page /docs tells what can be asked."}
        yield Reply(What.JSON, 400, spelled(refusal))
        return
    if not files:
        raise BadSample("The form holds no file.", "Attach at least one as a file.")
    for name, data in files[options.first :]:
        _alarm(options.seconds)
        yield Reply(What.STARTED, 200, name.encode(errors="replace"))
        answer, ended = _file_answer(predictor, options, data)
        yield Reply(What.PART, 200, spelled({"file": name, **answer}))
        if ended:
            os._exit(0)  # at once; the service lets another process answer the rest
    yield Reply(What.JSON, 200, b"")


def _file_answer(
    predictor: Predictor, options: PredictRequest, data: bytes
) -> tuple[dict[str, Any], bool]:
    """A file's answer, or the problem with the file; and whether memory ran out."""
    try:
        return predictor.predict(data, options.top, options.threshold), False
    except BadSample as error:
        return {"problem": error.problem, "remedy": error.remedy}, False
    except (WorkflowError, MemoryError) as error:
        if not _ran_out(error):
            raise
        bad = _too_much(predictor)
        return {"problem": bad.problem, "remedy": bad.remedy}, True


def _files(body: bytes, options: PredictRequest) -> list[tuple[str, bytes]]:
    """Name and bytes of each file in a form. Raises MultiPartException."""
    import asyncio
    from collections.abc import AsyncGenerator

    from starlette.datastructures import Headers, UploadFile
    from starlette.formparsers import MultiPartParser

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    async def parsed() -> list[tuple[str, bytes]]:
        headers, most = Headers({"content-type": options.form}), options.most_files
        parser = MultiPartParser(headers, stream(), max_files=most, max_fields=most)
        parser.spool_max_size = len(body) + 1  # it is in memory already: no disk is needed
        form = await parser.parse()
        found = [upload for _, upload in form.multi_items() if isinstance(upload, UploadFile)]
        files = [(upload.filename or "", await upload.read()) for upload in found]
        await form.close()
        return files

    return asyncio.run(parsed())


def _ran_out(error: BaseException | None) -> bool:
    """Whether lack of memory caused `error`, directly or through its chain of causes."""
    visited: set[int] = set()
    while error is not None and id(error) not in visited:  # an error may be its own cause
        if isinstance(error, MemoryError) or "bad_alloc" in str(error):
            return True
        visited.add(id(error))
        error = error.__cause__
    return False


def _too_much(predictor: Predictor) -> BadSample:
    noun = predictor.description.get("noun", "sample")
    return BadSample(
        f"The {noun} takes more memory than one request may have.",
        "Make it smaller, or save it as a plain JPEG, PNG, WAV or FLAC.",
    )


def _alarm(seconds: float) -> None:
    """Let the kernel end this process SPARE_SECONDS after `seconds`; 0 cancels the alarm."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds + SPARE_SECONDS if seconds else 0)


def _bound_memory(extra: int) -> None:
    """Limit the address space of this process to what it has plus `extra` bytes; Linux only."""
    if sys.platform != "linux":
        return
    import resource

    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(OOM_SCORE)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + extra
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
