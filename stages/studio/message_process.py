"""A child process that answers messages: each is a header in JSON and bytes, on its standard input
and output. It is started when it is needed, and again after it was ended."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from stages.runtime.errors import BadSample

HEAD = 8  # bytes: the lengths of header and data
Answered = tuple[dict[str, Any], bytes]


def write_message(pipe: BinaryIO | Any, header: dict[str, Any], data: bytes) -> None:
    """Write `header` and `data` as one message."""
    text = json.dumps(header).encode()
    pipe.write(len(text).to_bytes(HEAD // 2) + len(data).to_bytes(HEAD // 2) + text)
    pipe.write(data)
    pipe.flush()


def read_message(pipe: BinaryIO | Any) -> Answered:
    """Read what `write_message` wrote. Raises EOFError if it ends before."""
    head = _read(pipe, HEAD)
    lengths = int.from_bytes(head[: HEAD // 2]), int.from_bytes(head[HEAD // 2 :])
    return json.loads(_read(pipe, lengths[0])), _read(pipe, lengths[1])


def answer_messages(answer: Callable[[dict[str, Any], bytes], Answered]) -> None:
    """Be such a child: answer messages until standard input ends. What libraries print is no
    answer."""
    import sys

    answers, sys.stdout = sys.stdout.buffer, sys.stderr
    while True:
        try:
            request, data = read_message(sys.stdin.buffer)
        except EOFError:
            return
        try:
            write_message(answers, *answer(request, data))
        except BrokenPipeError:  # the server is gone
            return


class MessageProcess:
    """The process that runs the `main` of `module`. It has `seconds` for an answer; `environment`
    is added to this process's own."""

    def __init__(
        self, module: str, seconds: float, environment: Mapping[str, str] | None = None
    ) -> None:
        self._module, self._seconds = module, seconds
        self._environment = {**(environment or {}), "OMP_NUM_THREADS": "1"}
        self._child: subprocess.Popen[bytes] | None = None
        self._mutex = threading.Lock()

    def answer(self, request: Mapping[str, Any], data: bytes) -> Answered:
        """The child's answer. Raises BadSample if it takes too long or dies."""
        with self._mutex:
            if self._child is None or self._child.poll() is not None:
                self._child = self._started()
            try:
                return self._answer(self._child, request, data)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self._end()
                raise BadSample(
                    f"The file cannot be shown: {error or 'its decoder ended'}.",
                    "It may be damaged: leave it out, or save it again in another program.",
                ) from error

    def end(self) -> None:
        """End the child after what it is answering."""
        with self._mutex:
            self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in (self._child.stdin, self._child.stdout):
                if pipe:
                    pipe.close()
            self._child = None

    def _started(self) -> "subprocess.Popen[bytes]":
        # The child itself does without its imports.
        from stages.runtime.service_process import command_of

        return subprocess.Popen(
            command_of(self._module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._environment},
            start_new_session=True,  # Ctrl-C is for the server
        )

    def _answer(
        self, child: "subprocess.Popen[bytes]", request: Mapping[str, Any], data: bytes
    ) -> Answered:
        assert child.stdin  # noqa: S101 - it is a pipe
        assert child.stdout  # noqa: S101 - as well
        timer = threading.Timer(self._seconds, child.kill)  # a child that hangs ends both pipes
        timer.daemon = True
        timer.start()
        try:
            write_message(child.stdin, dict(request), data)
            return read_message(child.stdout)
        finally:
            timer.cancel()


def _read(pipe: BinaryIO | Any, size: int) -> bytes:
    parts = []
    while size > 0:
        data = pipe.read(size)
        if not data:
            raise EOFError("its decoder ended")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
