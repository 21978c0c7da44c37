"""The journal of a data set's label changes: lines of JSON that are only ever appended.

A change is acknowledged after it was flushed to the disk. A process that dies while it writes
leaves a torn last line, which nobody was told of and which the next writer removes. Several
processes may write: each takes a lock, reads what was appended meanwhile, and then appends.

A change says what was true before. If that is no longer so, it is refused and nothing of it is
written, so that two people never overwrite each other. Undo and redo are changes, too."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from stages.appending import append_line, remove_torn_line
from stages.artifacts import canonical, digest_of
from stages.runtime.errors import Damaged, WorkflowError
from stages.runtime.files import alone

CHANGE, UNDO, REDO, BASE = "change", "undo", "redo", "base"
CHECK = "check"  # the key of a line's digest
DIGITS = 16  # of that digest

Fields = dict[str, Any]  # a sample's fields by name, as JSON gives them


class Change(NamedTuple):
    """The fields of `file` that change: what they were, and what they become."""

    file: str
    before: Fields
    after: Fields

    def reversed(self) -> "Change":
        return Change(self.file, self.after, self.before)


class JournalEntry(NamedTuple):
    """One line. `number`: from 1, without gaps. `action`: the id that the client gave. `of`: for
    undo and redo, the entry that they reverse. `revision`, `values`: for a base entry, the revision
    that changes apply to from here on, and the changed fields by file that it does not have."""

    number: int
    action: str
    who: str
    when: str
    kind: str
    changes: tuple[Change, ...] = ()
    of: int = 0
    revision: str = ""
    values: dict[str, Fields] = {}

    def line(self) -> bytes:
        record: dict[str, Any] = {
            key: value for key, value in self._asdict().items() if value or key == "number"
        }
        if self.changes:
            record["changes"] = [list(change) for change in self.changes]
        record[CHECK] = digest_of(canonical(record))[:DIGITS]
        return canonical(record)

    @classmethod
    def read(cls, line: bytes) -> "JournalEntry":
        """The entry in `line`. Raises ValueError if a byte of it is missing or changed."""
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("A line is no object.")
        check = record.pop(CHECK, "")
        if digest_of(canonical(record))[:DIGITS] != check:
            raise ValueError("A line does not have its digest.")
        changes = tuple(Change(*change) for change in record.pop("changes", ()))
        texts = {key: record.pop(key, "") for key in ("action", "who", "when", "kind")}
        return cls(number=record.pop("number"), changes=changes, **texts, **record)


class Conflict(WorkflowError):
    """Samples are no longer as a change says. `current`: their fields now, by file; None for a file
    that the data set does not have. `authors`: who changed them last."""

    def __init__(self, current: Mapping[str, Fields | None], authors: Mapping[str, str]) -> None:
        names = ", ".join(f"'{name}'" for name in list(current)[:3])
        super().__init__(
            f"{len(current)} of the samples were changed meanwhile: {names}.",
            "Look at them again; nothing was overwritten.",
        )
        self.current, self.authors = dict(current), dict(authors)


class Stale(WorkflowError):
    """What is shown is not the newest revision any more."""


class Journal:
    """The journal in the file `path`, of one data set. `base`: a file's fields in the revision that
    changes apply to; None for a file that is not in it.

    `mutex`: for this process's threads. `number`: of the last entry. `revision`, `based_at`:
    revision and number of the last base entry. `values`: by file, the fields that were changed
    since then."""

    def __init__(self, path: Path, base: Callable[[str], Fields | None]) -> None:
        self.path, self.base = path, base
        self.mutex = threading.RLock()
        self._clear()
        self.refresh()

    def _clear(self) -> None:
        self.number, self._end, self.revision, self.based_at = 0, 0, "", 0
        self.values: dict[str, Fields] = {}
        self._authors: dict[str, str] = {}
        self._done: defaultdict[str, list[int]] = defaultdict(list)
        self._undone: defaultdict[str, list[int]] = defaultdict(list)
        self._actions: dict[str, int] = {}
        self._starts: list[int] = []

    def refresh(self) -> int:
        """Read what was appended since; return the number of the last entry.

        A last line without its end is somebody's who writes now, or died. Raises Damaged if a line
        before it cannot be read."""
        with self.mutex:
            size = self.path.stat().st_size if self.path.exists() else 0
            if size < self._end:
                raise self._damaged(f"it has {size} bytes, and had {self._end}")
            if size > self._end:
                with self.path.open("rb") as file:
                    file.seek(self._end)
                    self._take(file.read())
            return self.number

    def append(self, action: str, who: str, changes: Sequence[Change]) -> JournalEntry:
        """Write `changes` of `who` as one entry, all or none; return it when it is on the disk. An
        `action` that is there already is returned, and is no second change.

        Raises Conflict if something is not as `before` says, Stale if another process went on to a
        newer revision, InfrastructureError if the disk does not take it."""
        with self._writing():
            if action in self._actions:
                return self.entry(self._actions[action])
            self._check(changes)
            return self._write(action, who, CHANGE, tuple(changes))

    def undo(self, action: str, who: str) -> tuple[JournalEntry | None, list[str]]:
        """Reverse the last change of `who` that is not undone; None if there is none. Samples that
        somebody else changed since stay as they are; their names are returned, too."""
        return self._reverse(action, who, UNDO, self._done)

    def redo(self, action: str, who: str) -> tuple[JournalEntry | None, list[str]]:
        """Reverse the last undo of `who`, if nothing was changed after it; otherwise as `undo`."""
        return self._reverse(action, who, REDO, self._undone)

    def rebase(self, revision: str, values: dict[str, Fields]) -> JournalEntry:
        """Note that changes apply to `revision` from here on, and that it lacks `values`."""
        with self._writing():
            return self._write("", "", BASE, revision=revision, values=values)

    def current(self, file: str) -> Fields | None:
        """The fields of `file` as they are now; None if there is no such file."""
        base = self.base(file)
        return None if base is None else {**base, **self.values.get(file, {})}

    def reversible(self, who: str) -> tuple[int, int]:
        """How many changes `who` can undo, and redo."""
        with self.mutex:
            return len(self._done[who]), len(self._undone[who])

    def entry(self, number: int) -> JournalEntry:
        """The entry with that number, read from the file."""
        with self.path.open("rb") as file:
            file.seek(self._starts[number - 1])
            return JournalEntry.read(file.readline())

    def entries(self, after: int = 0) -> Iterator[JournalEntry]:
        """The entries that are read so far, from the one after number `after` on."""
        for number in range(after + 1, self.number + 1):
            yield self.entry(number)

    def _reverse(
        self, action: str, who: str, kind: str, stacks: Mapping[str, list[int]]
    ) -> tuple[JournalEntry | None, list[str]]:
        with self._writing():
            if action in self._actions:
                return self.entry(self._actions[action]), []
            if not stacks[who]:
                return None, []
            of = stacks[who][-1]
            changes = [change.reversed() for change in reversed(self.entry(of).changes)]
            conflicts = {change.file for change in changes if not self._fits(change)}
            possible = tuple(change for change in changes if change.file not in conflicts)
            return self._write(action, who, kind, possible, of=of), sorted(conflicts)

    def _check(self, changes: Sequence[Change]) -> None:
        wrong = [change.file for change in changes if not self._fits(change)]
        if wrong:
            authors = {file: self._authors.get(file, "") for file in wrong}
            raise Conflict({file: self.current(file) for file in wrong}, authors)

    def _fits(self, change: Change) -> bool:
        current = self.current(change.file)
        return (
            current is not None
            and change.before.keys() == change.after.keys()
            and all(current.get(key) == value for key, value in change.before.items())
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the only writer, of all processes, and have read everything."""
        with self.mutex, alone(self.path.with_suffix(".lock")):
            remove_torn_line(self.path, self._end)  # as we have the lock, nobody writes it
            expected = self.revision
            self.refresh()
            if expected and self.revision != expected:
                raise Stale(
                    f"There is a newer revision, {self.revision[:8]}.", "Load the page again."
                )
            yield

    def _write(
        self, action: str, who: str, kind: str, changes: tuple[Change, ...] = (), **rest: Any
    ) -> JournalEntry:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        entry = JournalEntry(self.number + 1, action, who, now, kind, changes, **rest)
        line = entry.line()
        append_line(self.path, line, "The change cannot be kept in")
        self._take(line + b"\n")
        return entry

    def _take(self, data: bytes) -> None:
        """Apply the complete lines of `data`, which begins at the end of what was read."""
        lines = data.split(b"\n")
        for line in lines[:-1]:
            try:
                entry = JournalEntry.read(line)
            except (ValueError, TypeError, KeyError) as error:
                raise self._damaged(f"line {self.number + 1}: {error}") from error
            if entry.number != self.number + 1:
                raise self._damaged(f"line {self.number + 1} has the number {entry.number}")
            self._starts.append(self._end)
            self._end += len(line) + 1
            self._apply(entry)

    def _apply(self, entry: JournalEntry) -> None:
        self.number = entry.number
        if entry.action:
            self._actions[entry.action] = entry.number
        if entry.kind == BASE:
            self.revision, self.values = entry.revision, dict(entry.values)
            self.based_at = entry.number
            return
        for change in entry.changes:
            self.values[change.file] = {**self.values.get(change.file, {}), **change.after}
            self._authors[change.file] = entry.who
        done, undone = self._done[entry.who], self._undone[entry.who]
        if entry.kind == UNDO:
            done.pop()
            undone.append(entry.number)
            return
        if entry.kind == REDO:
            undone.pop()
        else:
            undone.clear()
        done.append(entry.number)

    def _damaged(self, why: str) -> Damaged:
        return Damaged(
            f"The journal {self.path} was changed by something else: {why}.",
            "Put back a copy of it, or move it away: then what is saved as a revision counts.",
        )
