"""Readers: one for each layout of annotated data."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from stages.artifacts import Box
from stages.parts import READERS, TASKS
from stages.runtime.errors import DataError

NAMES = 3  # how many names an error gives as examples
WRITINGS = "txt md rst json xml csv tsv yaml yml toml html htm css js py ipynb log pdf doc docx xls"
IGNORED_SUFFIXES = "xlsx db ini lnk url zip tar gz 7z rar dvc"
NO_SAMPLES = frozenset(f".{name}" for name in f"{WRITINGS} {IGNORED_SUFFIXES}".split())
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True)
class Row:
    """One sample as its annotation describes it. `file`: its path in the folder, with / between
    parts.

    `boxes`: in pixels, not yet checked against the picture. `place`: where the annotation is;
    `places`: where each box is. `size`: the picture's width and height according to the annotation,
    if given. `skipped_boxes`: the number of boxes that are not used, such as COCO's crowds.
    `problem`: where and why the annotation cannot be used."""

    file: str
    label: str = ""
    split: str = ""
    group: str = ""
    boxes: tuple[Box, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
    place: str = ""
    places: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    skipped_boxes: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Reading:
    """The content of a folder: its samples, the layout's own files (`tables`), and other files that
    are left out (`ignored`). `notes`: how the annotations were understood where that could be
    doubted, one sentence each, such as "Boxes were made around 12 polygons in 5 files"."""

    rows: tuple[Row, ...]
    tables: dict[str, str] = field(default_factory=dict)  # name in our copy -> name in the folder
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one layout. `matches`: whether the folder has it. `read` raises DataError with
    everything that is wrong. `loose`: it matches so much that any other matching layout is
    preferred."""

    loose: ClassVar[bool]

    def matches(self, folder: Path) -> bool: ...

    def read(self, folder: Path) -> Reading: ...


def read_folder(folder: Path, readers: Sequence[str] = tuple(READERS)) -> Reading:
    """Read the samples in `folder`, sorted by name, with the first of `readers` that matches.

    Raises DataError if none matches, or for what is wrong with the data."""
    found = [name for name in READERS if READERS[name]().matches(folder)]
    found = [name for name in found if not READERS[name].loose] or found
    matching = [name for name in found if name in readers]
    if matching:
        reader: Reader = READERS[matching[0]]()
        reading = reader.read(folder)
        _check_names(reading.rows)
        return reading
    if found:
        raise _other_layout(folder, found[0], readers)
    raise DataError(
        f"There are no labelled samples in {folder.name}.",
        "Put the samples of each label into a folder with the label's name, or write a labels.csv "
        "with the columns file and label. Boxes are read in the formats of COCO, Pascal VOC, YOLO, "
        "CVAT and Label Studio, beside their pictures.",
    )


def _check_names(rows: Sequence[Row]) -> None:
    """Raise DataError for names that our files cannot hold: not UTF-8, or of several lines."""
    names = {name for row in rows for name in (row.file, row.group, *_labels(row))}
    wrong = sorted(ascii(name) for name in names if not _is_line(name))
    if wrong:
        raise DataError(
            f"{len(wrong)} names are not one line of UTF-8 text: {few(wrong)}.", "Rename them."
        )


def _labels(row: Row) -> tuple[str, ...]:
    return row.label, *(box.label for box in row.boxes)


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


def few(names: Sequence[str]) -> str:
    """The first of `names` for a message, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"
