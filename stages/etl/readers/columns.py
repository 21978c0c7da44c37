"""Which columns of a user's table are file, label, split and group, whatever they are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stages.etl.readers.split_names import split_named
from stages.runtime.errors import DataError
from stages.runtime.neutral import is_number

FILE_NAMES = (
    "file filename file_name filepath file_path path image image_path image_name image_file "
    "image_id img img_path slice_file_name fname audio audio_path audio_file sound clip picture "
    "photo"
)
LABEL_NAMES = "label class category class_name label_name class_label labels target tag"
FILES, LABELS = tuple(FILE_NAMES.split()), tuple(LABEL_NAMES.split())
SPLITS = ("split", "subset", "partition", "set")
GROUPS = ("group", "fold", "folds")
CORNERS = ({"xmin", "ymin", "xmax", "ymax"}, {"x_min", "y_min", "x_max", "y_max"}, {"bbox"})


@dataclass(frozen=True)
class Columns:
    """The names that the columns have in the table; '' for one that it lacks."""

    file: str
    label: str
    split: str = ""
    group: str = ""

    def note(self, table: str) -> str:
        """A sentence about the columns that are not called as usual; '' if all are."""
        roles = {"file": self.file, "label": self.label, "split": self.split, "group": self.group}
        unusual = [f"'{name}' is the {role}" for role, name in roles.items()
                   if name and name.strip().lower() != role]  # fmt: skip
        return f"Of the columns of {table}, {', '.join(unusual)}." if unusual else ""


def has_boxes(header: Sequence[str]) -> bool:
    """Whether the table has a line for each box, which is a layout that is not read."""
    names = {_plain(name) for name in header}
    return any(corners <= names for corners in CORNERS)


def has_labels(header: Sequence[str]) -> bool:
    """Whether there are columns of files and labels."""
    return bool(_called(header, FILES) and _called(header, LABELS)) and not has_boxes(header)


def columns_of(header: Sequence[str], lines: Sequence[Mapping[str, str]], table: str) -> Columns:
    """The columns of `header`, which has those of files and labels; `lines` are the table's.

    Raises DataError if several columns may be the label."""
    split = next(iter(_called(header, SPLITS)), "")
    if _plain(split) != "split" and not _are_splits(lines, split):
        split = ""
    group = next(iter(_called(header, GROUPS)), "")
    return Columns(_called(header, FILES)[0], _label(header, lines, table), split, group)


def _called(header: Sequence[str], names: Sequence[str]) -> list[str]:
    """The columns that are called like one of `names`, in the order of `names`."""
    by_name = {_plain(column): column for column in reversed(header)}
    return [by_name[name] for name in names if name in by_name]


def _plain(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def _are_splits(lines: Sequence[Mapping[str, str]], column: str) -> bool:
    values = {line[column] for line in lines if line.get(column)}
    return bool(values) and all(map(split_named, values))


def _label(header: Sequence[str], lines: Sequence[Mapping[str, str]], table: str) -> str:
    """The column `label`, else the only one of its synonyms that is no class number."""
    found = _called(header, LABELS)
    if len(found) == 1 or _plain(found[0]) == "label":
        return found[0]
    texts = [name for name in found if not all(is_number(line[name] or "0") for line in lines)]
    if len(texts) == 1:
        return texts[0]
    raise DataError(
        f"{table}: {' and '.join(texts or found)} may each be the label.",
        "Call the column of the labels label.",
    )
