"""The index of a revision's samples: a SQLite file in the workspace's cache, written once for a
revision, from which a page of 100,000 samples is read without reading all of them.

`base_` columns are the revision's, the others are as the journal of changes leaves them; what a
model says of a sample is in `suggestion`, `doubt`, `score`, `suggested_boxes` and `rank`."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from mimetypes import guess_type
from pathlib import Path
from typing import Any, NamedTuple

from stages.artifacts import digest_of
from stages.etl.cached_files import CachedFile, cached_files, read_cached
from stages.etl.catalogue import Workspace
from stages.etl.export import answers_of
from stages.etl.readers import Reading, Row
from stages.parts import MODALITIES
from stages.runtime.files import beside

VERSION = 2  # of the tables
SEPARATOR = "\x1f"  # around each label of a sample's boxes; no label has it
WRITTEN = (
    *("file", "digest", "md5", "start", "size", '"group"', "extra", "problem"),
    *("base_label", "base_boxes", "base_split", "base_excluded"),
    *("label", "boxes", "split", "excluded", "labels"),
)
TABLES = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE samples (
    number INTEGER PRIMARY KEY, file TEXT UNIQUE, digest TEXT, md5 TEXT, start INTEGER,
    size INTEGER, "group" TEXT, extra TEXT, problem TEXT,
    base_label TEXT, base_boxes TEXT, base_split TEXT, base_excluded INTEGER,
    label TEXT, boxes TEXT, split TEXT, excluded INTEGER, reviewed INTEGER DEFAULT 0,
    labels TEXT, suggestion TEXT DEFAULT '', doubt REAL DEFAULT 0,
    score REAL DEFAULT 0, suggested_boxes TEXT DEFAULT '[]', rank INTEGER DEFAULT 0);
CREATE INDEX by_label ON samples (label, number);
CREATE INDEX by_group ON samples ("group", number);
CREATE INDEX by_digest ON samples (digest);
CREATE INDEX by_rank ON samples (rank, number) WHERE rank > 0;
CREATE INDEX by_doubt ON samples (-doubt, number) WHERE doubt > 0;
"""
SHOWN_COLUMNS = (
    'number, file, label, boxes, split, excluded, reviewed, "group", problem, suggestion, doubt, '
    "score, suggested_boxes"
)


class IndexFacts(NamedTuple):
    """`kind`: of answers, "labels" or "boxes". `modality`: of most files."""

    kind: str
    modality: str
    samples: int


def index_path(name: str, revision: str, cache: Path) -> Path:
    """Where the index of that revision of the data set `name` is, or will be."""
    return cache / "studio" / name / f"{revision.partition('.')[0]}-{VERSION}.sqlite"


def write_index(
    path: Path, revision: str, reading: Reading, workspace: Workspace, excluded: Iterable[Any] = ()
) -> None:
    """Write the index of `reading`, which is that of `revision`, to `path`. `excluded`: rows of
    `excluded_rows` from earlier indexes, of samples that a person left out of this revision."""
    places = cached_files(revision, workspace)
    files = {row.file for row in reading.rows}
    rows: list[tuple[Any, ...]] = [
        _record(row, places[row.file], workspace) for row in _single(reading.rows)
    ]
    rows += [row for row in excluded if row[0] not in files]
    ordered: list[tuple[Any, ...]] = sorted(rows, key=lambda row: str(row[0]))
    facts = IndexFacts(answers_of(reading), modality_of_files(sorted(files)), len(rows))
    with beside(path) as draft, closing(sqlite3.connect(draft)) as database, database:
        database.executescript(TABLES)
        database.executemany("INSERT INTO facts VALUES (?, ?)", facts._asdict().items())
        columns = ", ".join(WRITTEN)
        marks = ", ".join("?" * (len(WRITTEN)))
        database.executemany(
            f"INSERT INTO samples ({columns}) VALUES ({marks})",  # noqa: S608  columns of ours
            ordered,
        )


def excluded_rows(path: Path, files: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of `files` in the index at `path`, as of samples that are left out."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for file in files:
            row = database.execute(
                'SELECT file, digest, md5, start, size, "group", extra, problem, label, boxes, '
                "split, 1, label, boxes, split, 1, labels FROM samples WHERE file = ?",
                (file,),
            ).fetchone()
            if row:
                yield row


def facts_of(database: sqlite3.Connection) -> IndexFacts:
    """The facts of an open index."""
    found = dict(database.execute("SELECT key, value FROM facts").fetchall())
    return IndexFacts(found["kind"], found["modality"], int(found["samples"]))


def remove_indexes_beside(*used: Path) -> None:
    """Remove the indexes in the folder of `used` but these: those of earlier revisions."""
    for path in used[0].parent.glob("*.sqlite*"):
        if path.name.partition("-wal")[0].partition("-shm")[0] not in {each.name for each in used}:
            path.unlink(missing_ok=True)


def labels_column(label: str, boxes: Sequence[Sequence[Any]]) -> str:
    """The labels of a sample in the form in which a filter finds each of them."""
    labels = sorted({str(box[0]) for box in boxes} | ({label} if label else set()))
    return SEPARATOR + "".join(f"{name}{SEPARATOR}" for name in labels)


def _single(rows: Iterable[Row]) -> Iterator[Row]:
    """One row for each file. Of a file that is listed with several labels it says so."""
    by_file: dict[str, list[Row]] = {}
    for row in rows:
        by_file.setdefault(row.file, []).append(row)
    for same in by_file.values():
        labels = sorted({row.label for row in same})
        problem = f"It is listed with {len(labels)} labels: {', '.join(labels)}."
        yield replace(same[0], label="", problem=problem) if len(labels) > 1 else same[0]


def open_index(path: Path) -> sqlite3.Connection:
    """The index at `path`, to be read and changed by several threads."""
    database = sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")  # the journal has what a power cut takes
    return database


def shown_sample(row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of SHOWN_COLUMNS as the page gets it. A test sample has no suggestion: figures on the
    test would be bent by labels that follow the model."""
    names = [name.strip('" ') for name in SHOWN_COLUMNS.split(",")]
    sample = dict(zip(names, row, strict=True))
    sample["boxes"] = json.loads(sample["boxes"])
    sample["suggested_boxes"] = json.loads(sample["suggested_boxes"])
    sample["excluded"], sample["reviewed"] = bool(sample["excluded"]), bool(sample["reviewed"])
    if sample["split"] == "test":
        sample |= {"suggestion": "", "doubt": 0.0, "score": 0.0, "suggested_boxes": []}
    return sample


def base_fields(database: sqlite3.Connection, file: str) -> dict[str, Any] | None:
    """The fields of `file` in the revision of an open index; None if it is not in it."""
    row = database.execute(
        "SELECT base_label, base_boxes, base_split, base_excluded FROM samples WHERE file = ?",
        (file,),
    ).fetchone()
    if row is None:
        return None
    label, boxes, split, excluded = row
    return {
        "label": label,
        "boxes": json.loads(boxes),
        "split": split,
        "excluded": bool(excluded),
        "reviewed": False,
    }


def _record(row: Row, place: CachedFile, workspace: Workspace) -> tuple[Any, ...]:
    boxes = [[box.label, *map(float, box[1:])] for box in row.boxes]
    now = (row.label, json.dumps(boxes, ensure_ascii=False), row.split, 0)
    return (
        row.file,
        digest_of(read_cached(place, workspace)),
        *place,
        row.group,
        json.dumps(row.extra, ensure_ascii=False) if row.extra else "",
        row.problem,
        *now,
        *now,
        labels_column(row.label, boxes),
    )


def modality_of_files(files: Sequence[str]) -> str:
    """The modality that most of `files` have by their names."""
    types: dict[str, tuple[str, ...]] = {name: MODALITIES[name]().types for name in MODALITIES}
    contents = Counter(guess_type(name)[0] or "" for name in files)
    counts = {
        name: sum(n for content, n in contents.items() if content.startswith(types[name]))
        for name in types
    }
    return max(counts, key=lambda name: counts[name])
