"""Readers: one for each layout of annotated data."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol

from stages.etl.readers.choices import (
    OURS,
    THEIRS,
    Choices,
    files_without,
    is_excluded,
    stored_choices,
)
from stages.etl.readers.files import Files
from stages.etl.readers.near_layouts import near_layout
from stages.etl.readers.rows import NAMES as NAMES
from stages.etl.readers.rows import Doubt as Doubt
from stages.etl.readers.rows import Reading as Reading
from stages.etl.readers.rows import Row as Row
from stages.etl.readers.rows import few as few
from stages.etl.readers.rows import label_counts
from stages.etl.readers.split_names import SPLITS as SPLITS
from stages.parts import READERS, TASKS
from stages.runtime.errors import DataError

WRITINGS = "txt md rst json xml csv tsv yaml yml toml html htm css js py ipynb log pdf doc docx xls"
IGNORED_SUFFIXES = (
    "xlsx db ini lnk url zip tar gz 7z rar dvc names mat h5 pkl npy npz part crdownload"
)
NO_SAMPLES = frozenset(f".{name}" for name in f"{WRITINGS} {IGNORED_SUFFIXES}".split())
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
DOCUMENTS = "documents, tables and archives, which are no samples"
UNNAMED = "files that no annotation names"
TABLE = "labels.csv"  # a table with this name is what its folder means
BY_OPTION = "left out as --leave-out says"


class Reader(Protocol):
    """Reads one layout. `matches`: whether the folder of `files` has it; they are walked once for
    all readers. `read` raises DataError with everything that is wrong, or Doubt for a folder that
    can be read in several ways. `loose`: it matches so much that any other matching layout is
    preferred."""

    loose: ClassVar[bool]

    def matches(self, files: Files) -> bool: ...

    def read(self, files: Files) -> Reading: ...


def read_folder(
    folder: Path, readers: Sequence[str] = tuple(READERS), choices: Choices | None = None
) -> Reading:
    """Read the samples in `folder`, sorted by name, in its layout, which must be one of `readers`.

    `choices`: a user's answers; by default those that are kept with the data in `folder`. Raises
    DataError if there is no layout, Doubt if there are several, or for what is wrong with the
    data."""
    choices = stored_choices(folder) if choices is None else choices
    files = Files(folder)
    with files_without(files, choices.exclude) as included:
        name = choices.layout or _layout(included, readers, choices)
        if name not in readers:
            raise _other_layout(folder, name, readers)
        if included is files:
            reading = _read(name, files, choices)
        else:
            reading = _read_without(name, files, included, choices)
    check_names(reading.rows)
    return replace(
        reading,
        rows=with_splits(reading.rows, choices.splits, folder.name),
        ignored=(),
        excluded=_excluded(reading, files, choices),
        layout=name,
    )


def read_revision(folder: Path, readers: Sequence[str] = tuple(READERS)) -> Reading:
    """Read our copy of raw data in `folder` as it was understood when it was added.

    Data that were added before such doubts were asked about are read as they were then, and a note
    says so. Raises DataError as `read_folder` does."""
    try:
        return read_folder(folder, readers)
    except Doubt as doubt:
        (option, value), reading = next(iter(doubt.readings.items()))
        note = (
            f"Nobody was asked when these data were added; they are read with --{option} {value}."
        )
        layout = value if option == "layout" else "class_folders"
        return replace(reading, layout=layout, notes=(*reading.notes, note))


def _layout(files: Files, readers: Sequence[str], choices: Choices) -> str:
    """The name of the one layout that fits `files`. Raises DataError if there is none, with what
    is wrong with the nearest; Doubt if there are several."""
    found = [name for name in READERS if READERS[name]().matches(files)]
    strict = [name for name in found if not READERS[name].loose]
    chosen = [name for name in strict if name in readers] or strict
    if chosen:
        return _fitting([*chosen, *_alternatives(chosen, found, files.folder)], files, choices)
    near = near_layout(files, _labels(found, files, choices))
    if near:
        return near
    if found:
        return _fitting(found, files, choices)
    raise DataError(
        f"There are no labelled samples in {files.folder.name}.",
        "Put the samples of each label into a folder with the label's name, or write a labels.csv "
        "with the columns file and label. Boxes are read in the formats of COCO, Pascal VOC, YOLO, "
        "CVAT and Label Studio, beside their pictures.",
    )


def _alternatives(chosen: Sequence[str], found: Sequence[str], folder: Path) -> list[str]:
    """Loose layouts that may be meant instead of `chosen`: class folders, if there is a table that
    is not called as we ask for."""
    if chosen[0] != "csv" or any(path.name.lower() == TABLE for path in folder.iterdir()):
        return []
    return [name for name in found if READERS[name].loose]


def _labels(names: Sequence[str], files: Files, choices: Choices) -> set[str]:
    """The labels that the folders of `files` would be, by any of the layouts `names`."""
    labels: set[str] = set()
    for name in names:
        try:
            labels |= {*label_counts(_read(name, files, choices).rows)}
        except Doubt as doubt:
            labels |= {
                *label_counts(row for reading in doubt.readings.values() for row in reading.rows)
            }
        except DataError:
            continue  # told when it is the only layout left
    return labels


def _fitting(names: Sequence[str], files: Files, choices: Choices) -> str:
    """The only layout of `names` that fits `files`, or the first if all say the same.

    Raises Doubt if they say different things; the first DataError if none can be read, or none but
    loose ones."""
    if len(names) == 1:
        return names[0]
    readings: dict[str, Reading] = {}
    problems: list[DataError] = []
    for name in names:
        try:
            reading = _read(name, files, choices)
        except DataError as error:
            problems.append(error)
        else:
            if not READERS[name].loose or len(label_counts(reading.rows)) > 1:
                readings[name] = reading
    if not readings or (problems and all(READERS[name].loose for name in readings)):
        raise problems[0]  # what nearly fits is told rather than passed over
    first, *rest = readings
    if any(_content(readings[first]) != _content(readings[name]) for name in rest):
        options = {("layout", name): reading for name, reading in readings.items()}
        raise Doubt(f"{files.folder.name} can be read in several layouts, which differ:", options)
    return first


def _content(reading: Reading) -> dict[str, tuple[str, list[str]]]:
    """What layouts of the same data agree about: the label of each file, or those of its boxes."""
    return {row.file: (row.label, sorted(box.label for box in row.boxes)) for row in reading.rows}


def _read(name: str, files: Files, choices: Choices) -> Reading:
    """Read `files` in the layout `name`; a doubt is settled by `choices`, if they say anything
    about it."""
    reader: Reader = READERS[name]()
    try:
        return reader.read(files)
    except Doubt as doubt:
        for (option, value), reading in doubt.readings.items():
            if getattr(choices, option) == value:
                return reading
        raise


def _read_without(name: str, files: Files, included: Files, choices: Choices) -> Reading:
    """Read `included`, which lacks the excluded files of `files`. If its annotations name some of
    them, all of `files` are read and their rows are dropped; our copy has to keep such files."""
    try:
        return _read(name, included, choices)
    except Doubt:
        raise
    except DataError as error:
        try:
            whole = _read(name, files, choices)
        except DataError:
            raise error from None
    rows = tuple(row for row in whole.rows if not is_excluded(row.file, choices.exclude))
    dropped = {row.file: row.file for row in whole.rows} | whole.tables
    if not rows:
        raise DataError("--leave-out leaves no sample.", "Give a pattern that matches fewer files.")
    return replace(whole, rows=rows, tables=dropped)


def with_splits(rows: tuple[Row, ...], splits: str, name: str) -> tuple[Row, ...]:
    """`rows` of the data `name` with whose `splits` the user chose. Raises DataError if theirs are
    chosen and there are none."""
    if splits == THEIRS and not any(row.split for row in rows):
        raise DataError(
            f"Nothing in {name} assigns samples to train, validation or test.",
            "Leave --splits out: then the etl stage assigns them.",
        )
    return tuple(replace(row, split="") for row in rows) if splits == OURS else rows


def _excluded(reading: Reading, files: Files, choices: Choices) -> dict[str, tuple[str, ...]]:
    """Every one of `files` that is left out, by the reason."""
    ignored = [name for name in reading.ignored if not is_excluded(name, choices.exclude)]
    documents = [name for name in ignored if Path(name).suffix.lower() in NO_SAMPLES]
    unnamed = [name for name in ignored if Path(name).suffix.lower() not in NO_SAMPLES]
    excluded_names = [name for name in files.names if is_excluded(name, choices.exclude)]
    reasons = {
        **reading.excluded,
        UNNAMED: unnamed,
        DOCUMENTS: documents,
        BY_OPTION: excluded_names,
        **files.unread,
    }
    return {reason: tuple(sorted(names)) for reason, names in reasons.items() if names}


def check_names(rows: Sequence[Row]) -> None:
    """Raise DataError for names that our files cannot hold: not UTF-8, or of several lines."""
    names = {
        name
        for row in rows
        for name in (row.file, row.group, row.label, *(box.label for box in row.boxes))
    }
    wrong = sorted(ascii(name) for name in names if not _is_line(name))
    if wrong:
        raise DataError(
            f"{len(wrong)} names are not one line of UTF-8 text: {few(wrong)}.", "Rename them."
        )


def _is_line(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not CONTROLS.search(name)


def _other_layout(folder: Path, found: str, readers: Sequence[str]) -> DataError:
    tasks = [name for name in TASKS if found in TASKS[name].readers]
    return DataError(
        f"The layout of {folder.name} is '{found}', and this task reads {', '.join(readers)}.",
        f"Annotate the samples as this task needs it, or set task: {' or '.join(tasks)}.",
    )
