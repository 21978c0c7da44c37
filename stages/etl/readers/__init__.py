"""Layouts that people bring their labelled samples in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stages.artifacts import Box
from stages.parts import READERS
from stages.runtime.errors import DataError

NAMES = 3  # how many names an error gives as examples
WRITINGS = "txt md rst json xml csv tsv yaml yml toml html htm css js py ipynb log pdf doc docx xls"
OTHERS = "xlsx db ini lnk url zip tar gz 7z rar dvc"
NO_SAMPLES = frozenset(f".{name}" for name in f"{WRITINGS} {OTHERS}".split())
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


@dataclass(frozen=True)
class Row:
    """One sample as the person names it: `file` relative to the folder, with / between parts.

    Boxes are as the annotation says, in pixels; none of them is checked against the picture yet.
    `place` says where the annotation stands, `places` where each box does; `size` is the width and
    height for which they were written, if it is told; `left_out` counts boxes that do not count, as
    those of crowds; `problem` says, with its place, why the annotation of this one is of no use."""

    file: str
    label: str = ""
    split: str = ""
    group: str = ""
    boxes: tuple[Box, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)
    place: str = ""
    places: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    left_out: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Reading:
    """What a folder says: its samples, the layout's own files, and what is left out."""

    rows: tuple[Row, ...]
    tables: dict[str, str] = field(default_factory=dict)  # name in our copy -> name in the folder
    ignored: tuple[str, ...] = ()


class Reader(Protocol):
    """Reads one layout. `read` raises DataError with everything that is wrong with it."""

    def matches(self, folder: Path) -> bool: ...

    def read(self, folder: Path) -> Reading: ...


def read_folder(folder: Path, readers: Sequence[str] = tuple(READERS)) -> Reading:
    """The samples in `folder`, by the first of `readers` whose layout it is. Sorted by name."""
    for name in readers:
        reader: Reader = READERS[name]()
        if reader.matches(folder):
            return reader.read(folder)
    raise DataError(
        f"There are no labelled samples in {folder.name}.",
        "Put the pictures of each label into a folder with the label's name, "
        "or write a labels.csv with the columns file and label.",
    )


def few(names: Sequence[str]) -> str:
    """Some of `names` for a message, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"
