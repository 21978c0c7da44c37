"""What a reader makes of a folder: rows, the files that it leaves out, or a doubt."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from stages.artifacts import Box
from stages.runtime.errors import DataError

NAMES = 3  # how many names an error gives as examples
MOST_LABELS = 100  # how many labels are listed with their counts


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
    """The content of a folder: its samples, the layout's own files (`tables`), and the other files,
    which are left out: those of `excluded` for the reason that is their key, and `ignored`.

    `notes`: what else was understood, as sentences. `layout`: the reader's name."""

    rows: tuple[Row, ...]
    tables: dict[str, str] = field(default_factory=dict)  # name in our copy -> name in the folder
    ignored: tuple[str, ...] = ()
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    layout: str = ""


class Doubt(DataError):
    """A folder can be read in several ways, and a user has to choose. `readings`: each by the
    option and the value that choose it; the first is what was taken before anybody was asked."""

    def __init__(self, question: str, readings: Mapping[tuple[str, str], Reading]) -> None:
        options = [f"--{option} {value}" for option, value in readings]
        listed = [
            f"{option}: {counted_labels(reading.rows)}"
            for option, reading in zip(options, readings.values(), strict=True)
        ]
        super().__init__(
            "\n".join([question, *listed]),
            f"Say which is meant: add the data with {' or '.join(options)}.",
        )
        self.readings = readings

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return DataError, (self.problem, self.remedy)


def repeated(rows: Iterable[Row]) -> list[str]:
    """A sentence for each row whose file has a row before it."""
    first: dict[str, Row] = {}
    return [
        f"{row.place}: '{row.file}' is in {first[row.file].place}, too."
        for row in rows
        if first.setdefault(row.file, row) is not row
    ]


def labels_of(row: Row) -> tuple[str, ...]:
    """The label of the sample, or of each of its boxes."""
    return (row.label,) if row.label else tuple(box.label for box in row.boxes)


def label_counts(rows: Iterable[Row]) -> Counter[str]:
    """How many samples, or boxes, of each label there are."""
    return Counter(label for row in rows for label in labels_of(row))


def counted_labels(rows: Sequence[Row]) -> str:
    """The labels of `rows` with their counts, in one line."""
    counts = sorted(label_counts(rows).items())
    shown = ", ".join(f"{label} {count:,}" for label, count in counts[:MOST_LABELS])
    remaining = len(counts) - MOST_LABELS
    return (shown or "none") + (f" and {remaining:,} more labels" if remaining > 0 else "")


def few(names: Sequence[str]) -> str:
    """The first of `names` for a message, and how many more there are."""
    shown = ", ".join(f"'{name}'" for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"
