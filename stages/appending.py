"""Appends lines to a file, whole or not at all.

A line counts when it has ended and was flushed to the disk. A process that dies while it writes
leaves a torn last line, which nobody was told of. Whoever calls these functions is the only writer:
see `alone` in runtime/files.py."""

import os
from contextlib import suppress
from pathlib import Path

from stages.runtime.errors import InfrastructureError
from stages.runtime.files import flushed


def append_line(path: Path, line: bytes, problem: str) -> None:
    """Append `line` with an end; it is on the disk when this returns. Raises InfrastructureError,
    with nothing appended, which begins with `problem`: what cannot be done in `path`."""
    try:
        _append(path, line)
    except OSError as error:
        raise InfrastructureError(
            f"{problem} {path}: {error.strerror or error}.",
            "Free some disk space, then try again.",
        ) from error


def _append(path: Path, line: bytes) -> None:
    is_new = not path.exists()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        try:
            if file.write(line + b"\n") != len(line) + 1:
                raise OSError("the disk took a part of it only")
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(end)
            raise
    if is_new:
        flushed(path.parent)


def remove_torn_line(path: Path, start: int) -> None:
    """Cut off what follows the end of the last line, of which the first `start` bytes are whole
    lines; what is cut goes to a file beside it."""
    try:
        with path.open("r+b") as file:
            file.seek(start)
            rest = file.read()
            torn = rest[rest.rfind(b"\n") + 1 :]
            if torn:
                with path.with_suffix(".torn").open("ab") as backup:
                    backup.write(torn + b"\n")
                file.truncate(start + len(rest) - len(torn))
                os.fsync(file.fileno())
    except FileNotFoundError:
        return
