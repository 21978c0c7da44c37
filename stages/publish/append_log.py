"""A file of records that is only ever appended: one JSON object on each line.

Each line has the digest of the line before it, so that a line which was changed or taken out is
noticed. A torn last line (see appending.py) is removed by the next writer. Several processes may
write: each takes a lock and reads what was appended meanwhile.

It is a file of the workspace and not tags of MLflow: tags can be overwritten without a trace, two
tags cannot be written as one, and the pages read the history without MLflow's libraries."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stages.appending import append_line, remove_torn_line
from stages.artifacts import canonical, digest_of
from stages.runtime.errors import Damaged
from stages.runtime.files import alone

BEFORE = "before_digest"  # the key of the digest of the line before
DIGITS = 16

Record = dict[str, Any]


class AppendLog:
    """The records in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def records(self) -> list[Record]:
        """All records, the oldest first. Raises Damaged if a line cannot be read or was changed."""
        return self._read()[0]

    @contextmanager
    def writing(self) -> Iterator["LogWriter"]:
        """Be the only writer, of all processes of this machine."""
        with alone(self.path.with_suffix(".lock")):
            records, end, last = self._read()
            remove_torn_line(self.path, end)
            yield LogWriter(self.path, records, last)

    def _read(self) -> tuple[list[Record], int, str]:
        """The records, how many bytes their lines have, and the digest of the last line."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return [], 0, ""
        end = data.rfind(b"\n") + 1
        records, last = [], ""
        for number, line in enumerate(data[:end].splitlines(), 1):
            try:
                record = dict(json.loads(line))
            except (ValueError, TypeError) as error:
                raise self._damaged(f"line {number} is no record") from error
            if record.pop(BEFORE, None) != last:
                raise self._damaged(f"line {number} does not follow the one before it")
            last = digest_of(line)[:DIGITS]
            records.append(record)
        return records, end, last

    def _damaged(self, why: str) -> Damaged:
        return Damaged(
            f"{self.path} was changed by something else: {why}.",
            "Put back a copy of it, or move it away and begin a new one.",
        )


class LogWriter:
    """Appends to a log. `records`: all that there are by now."""

    def __init__(self, path: Path, records: list[Record], last: str) -> None:
        self._path, self.records, self._last = path, records, last

    def append(self, record: Record) -> None:
        """Append `record`; it is on the disk when this returns. Raises InfrastructureError, with
        nothing appended."""
        line = canonical({**record, BEFORE: self._last})
        append_line(self._path, line, "Nothing can be noted in")
        self._last = digest_of(line)[:DIGITS]
        self.records.append(dict(record))
