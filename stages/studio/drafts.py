"""The draft of a data set's next revision: the samples of the newest one, with every change of the
journal. Labels, boxes, splits and what is left out are changed here, and saved by `revise.py`."""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.config import DataConfig
from stages.etl import catalogue, source
from stages.etl.cached_files import CachedFile
from stages.runtime.errors import ConfigError
from stages.settings import Settings
from stages.studio.child import called
from stages.studio.journal import BASE, Change, Fields, Journal, JournalEntry
from stages.studio.sample_fields import check_action, check_count, checked
from stages.studio.sample_filter import Filter
from stages.studio.sample_index import (
    SHOWN_COLUMNS,
    IndexFacts,
    base_fields,
    facts_of,
    index_path,
    labels_column,
    open_index,
    remove_indexes_beside,
    shown_sample,
)

PAGE = 200  # samples of a page at most


class Draft:
    """The draft of the data set `name` on its revision `revision`. `dropped`: files with changes
    that do not fit a revision which came from elsewhere meanwhile; the revision counts."""

    def __init__(self, name: str, revision: str, settings: Settings) -> None:
        self.name, self.revision, self.settings = name, revision, settings
        self.dropped: list[str] = []
        self.journal = Journal(
            catalogue.folder_of(settings) / name / "labels.jsonl", lambda file: self.base(file)
        )
        self._mutex = self.journal.mutex  # one for both, so that nobody waits in a circle
        self._reading = threading.Lock()  # reading does not wait for a change to be on the disk
        earlier = self.journal.revision
        path = index_path(name, revision, settings.cache)
        if not path.is_file():
            _write_index(self, earlier, path)
        self._database, self._reader = open_index(path), open_index(path)
        self.facts: IndexFacts = facts_of(self._database)
        if earlier != revision:
            self._rebase(earlier)
        self.sync()
        remove_indexes_beside(path, index_path(name, earlier, settings.cache))

    def base(self, file: str) -> Fields | None:
        """The fields of `file` in the revision; None if it is not in it."""
        with self._reading:
            return base_fields(self._reader, file)

    def sync(self) -> int:
        """Bring the index to the journal's last entry; return that one's number."""
        with self._mutex:
            number = self.journal.refresh()
            if number == self._at() or self.journal.revision != self.revision:
                return number
            self._database.execute("BEGIN IMMEDIATE")
            try:
                number, at = self.journal.refresh(), self._at()
                for file in self._touched(at):
                    self._store(file)
                self._note("at", number)
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            return number

    def act(self, action: str, who: str, changes: Sequence[Change]) -> JournalEntry:
        """Append `changes` to the journal. Raises DataError for a value that cannot be, and what
        `Journal.append` raises."""
        check_action(action, who)
        check_count(changes)
        entry = self.journal.append(action, who, [checked(change) for change in changes])
        self.sync()
        return entry

    def undo(self, action: str, who: str) -> tuple[JournalEntry | None, list[str]]:
        """As `Journal.undo`."""
        check_action(action, who)
        undone = self.journal.undo(action, who)
        self.sync()
        return undone

    def redo(self, action: str, who: str) -> tuple[JournalEntry | None, list[str]]:
        """As `Journal.redo`."""
        check_action(action, who)
        redone = self.journal.redo(action, who)
        self.sync()
        return redone

    def page(self, wanted: Filter, after: int = 0, limit: int = PAGE) -> list[dict[str, Any]]:
        """Up to `limit` samples after the one with the number `after`, in the filter's order; by
        name if it has none."""
        where, values = wanted.where()
        order = ", ".join((*wanted.order(), "number"))
        if after:
            where += f" AND ({order}) > (SELECT {order} FROM samples WHERE number = ?)"  # noqa: S608
            values.append(after)
        sql = f"SELECT {SHOWN_COLUMNS} FROM samples WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        return [shown_sample(row) for row in self._read(sql, [*values, min(limit, PAGE)])]

    def count(self, wanted: Filter) -> int:
        """How many samples the filter leaves."""
        where, values = wanted.where()
        sql = f"SELECT count(*) FROM samples WHERE {where}"  # noqa: S608
        return int(self._read(sql, values)[0][0])

    def samples(self, files: Iterable[str]) -> list[dict[str, Any]]:
        """The samples with these file names, those that there are."""
        sql = f"SELECT {SHOWN_COLUMNS} FROM samples WHERE file = ?"  # noqa: S608
        return [shown_sample(row) for file in files for row in self._read(sql, [file])]

    def labels(self) -> dict[str, int]:
        """Every label with the number of its samples, or boxes, that are not left out."""
        if self.facts.kind == "boxes":
            sql = (
                "SELECT json_extract(value, '$[0]'), count(*) FROM samples, json_each(boxes) "
                "WHERE excluded = 0 GROUP BY 1 ORDER BY 1"
            )
        else:
            sql = (
                "SELECT label, count(*) FROM samples WHERE excluded = 0 AND label <> '' "
                "GROUP BY 1 ORDER BY 1"
            )
        return dict(self._read(sql))

    def counts(self) -> dict[str, int]:
        """Numbers for the page: all samples, changed since the revision, reviewed, suspects,
        and how many have no label: of the test split, and of the others."""
        ((total, reviewed, excluded, changed),) = self._read(
            "SELECT count(*), total(reviewed), total(excluded), total(label <> base_label OR "
            "boxes <> base_boxes OR split <> base_split OR excluded <> base_excluded) FROM samples"
        )
        return {
            "samples": total,
            "reviewed": int(reviewed),
            "excluded": int(excluded),
            "changed": int(changed),
            "suspects": self.count(Filter(suspects=True)),
            "to_learn": self.count(Filter(to_label="learn")),
            "to_test": self.count(Filter(to_label="test")),
        }

    def place(self, number: int) -> tuple[str, CachedFile]:
        """The file name of a sample and where its bytes are. Raises ConfigError without one."""
        rows = self._read("SELECT file, md5, start, size FROM samples WHERE number = ?", [number])
        if not rows:
            raise ConfigError(f"There is no sample {number}.", "Load the page again.")
        return rows[0][0], CachedFile(*rows[0][1:])

    def rows(self) -> list[sqlite3.Row]:
        """Everything of every sample, for a new revision."""
        with self._reading:
            cursor = self._reader.cursor()
            cursor.row_factory = sqlite3.Row
            return cursor.execute("SELECT * FROM samples ORDER BY file").fetchall()

    def model(self) -> str:
        """The id of the model whose doubts are noted; '' if there are none."""
        return str(self._fact("model", ""))

    def note_doubts(self, model: str, doubts: Mapping[str, tuple[str, float]]) -> None:
        """Note the suspects that `model` found: by digest, the suggested label and the doubt."""
        with self._mutex:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("UPDATE samples SET suggestion = '', doubt = 0 WHERE doubt > 0")
            self._database.executemany(
                "UPDATE samples SET suggestion = ?, doubt = ? WHERE digest = ?",
                [(label, doubt, digest) for digest, (label, doubt) in doubts.items()],
            )
            self._note("model", model)
            self._database.execute("COMMIT")

    def note_suggestions(self, suggestions: Mapping[str, Mapping[str, Any]]) -> None:
        """Note what a model suggests for samples without a label, in place of what was noted
        before: by digest, a label or boxes, the score, and the rank in which they teach most."""
        with self._mutex:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "UPDATE samples SET suggestion = '', score = 0, suggested_boxes = '[]', rank = 0 "
                "WHERE rank > 0"
            )
            self._database.executemany(
                "UPDATE samples SET suggestion = ?, score = ?, suggested_boxes = ?, rank = ? "
                "WHERE digest = ? AND split <> 'test'",
                [
                    (
                        *(found["label"], found["score"]),
                        json.dumps(found["boxes"], ensure_ascii=False),
                        *(found["rank"], digest),
                    )
                    for digest, found in suggestions.items()
                ],
            )
            self._database.execute("COMMIT")

    def close(self) -> None:
        with self._mutex, self._reading:
            self._database.close()
            self._reader.close()

    def _read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    def _rebase(self, earlier: str) -> None:
        """Let the journal's changes apply to this revision: those that it has already are done,
        those that it contradicts are dropped."""
        path = index_path(self.name, earlier, self.settings.cache)
        before = open_index(path) if earlier and path.is_file() else None
        history = self._history()
        values: dict[str, Fields] = {}
        for file, changed in self.journal.values.items():
            base = self.base(file)
            if base is None:
                self.dropped += [file] * (not changed.get("excluded", False))
                continue
            was = {**base, **(base_fields(before, file) or {} if before else {})}
            is_same = all(base[key] == changed[key] for key in ("label", "boxes") if key in changed)
            rest = {key: value for key, value in changed.items() if value != base[key]}
            if any(
                base[key] != was[key] and base[key] not in history[file, key] for key in rest
            ) or ("reviewed" in rest and not is_same and len(rest) == 1):
                self.dropped.append(file)
            elif rest:
                values[file] = rest
        if before:
            before.close()
        self.journal.rebase(self.revision, values)

    def _history(self) -> Mapping[tuple[str, str], list[Any]]:
        """Every value that a field of a file had since the journal's last base entry: a revision
        that has one of them was saved from this journal."""
        history: dict[tuple[str, str], list[Any]] = defaultdict(list)
        for entry in self.journal.entries(self.journal.based_at):
            for change in entry.changes:
                for key, value in (*change.before.items(), *change.after.items()):
                    history[change.file, key].append(value)
        return history

    def _touched(self, at: int) -> Iterable[str]:
        """The files whose fields the entries after the one numbered `at` may have changed."""
        entries = list(self.journal.entries(at)) if at else []
        if not at or any(entry.kind == BASE for entry in entries):
            return list(self.journal.values)
        return {change.file for entry in entries for change in entry.changes}

    def _store(self, file: str) -> None:
        fields = self.journal.current(file)
        if fields is None:
            return
        boxes = json.dumps(fields["boxes"], ensure_ascii=False)
        labels = labels_column(fields["label"], fields["boxes"])
        self._database.execute(
            "UPDATE samples SET label = ?, boxes = ?, split = ?, excluded = ?, reviewed = ?, "
            "labels = ? WHERE file = ?",
            (
                *(fields["label"], boxes, fields["split"]),
                *(fields["excluded"], fields["reviewed"], labels, file),
            ),
        )

    def _at(self) -> int:
        return int(self._fact("at", 0))

    def _fact(self, key: str, default: Any) -> Any:
        with self._mutex:
            row = self._database.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return row[0] if row else default

    def _note(self, key: str, value: Any) -> None:
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))


class Drafts:
    """The drafts of a workspace's data sets, each opened once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._mutex = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._open: dict[str, Draft] = {}

    def of(self, name: str) -> Draft:
        """The draft on the newest revision of `name`; it is read first if nobody did.

        Raises ConfigError if there is no such data."""
        source.check_name(name)
        newest = source.find(DataConfig(name=name), self.settings).revision
        with self._mutex:
            opening = self._opening.setdefault(name, threading.Lock())
        with opening:
            draft = self._open.get(name)
            if draft is None or draft.revision != newest:
                draft = self._open[name] = Draft(name, newest, self.settings)
            draft.sync()
            return draft


def _write_index(draft: Draft, earlier: str, path: Path) -> None:
    """Have the index written by a process of its own. Samples that a person left out of the
    revision stay in it, so that they can be taken back."""
    settings = draft.settings
    previous = index_path(draft.name, earlier, settings.cache) if earlier else None
    files: list[str] = []
    if previous and previous.is_file():
        database = open_index(previous)
        values = draft.journal.values
        files = [row[0] for row in database.execute("SELECT file FROM samples WHERE excluded = 1")]
        database.close()
        changed = dict.fromkeys(files, True)
        changed |= {f: v["excluded"] for f, v in values.items() if "excluded" in v}
        files = sorted(file for file, excluded in changed.items() if excluded)
    request = {
        "name": draft.name,
        "revision": draft.revision,
        "previous": str(previous) if files else "",
        "files": files,
    }
    called("indexed", request, settings)
