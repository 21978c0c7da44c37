"""A CSV beside the files: file,label[,split][,group]; other columns are kept as extra facts."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import ClassVar

from stages.etl.readers import TABLE, Reading, Row, few
from stages.etl.readers.columns import Columns, columns_of, has_boxes, has_labels
from stages.etl.readers.delimited import header_of, records, text_of
from stages.etl.readers.files import Files, split_of
from stages.etl.readers.split_names import split_named
from stages.runtime.errors import DataError
from stages.runtime.registry import nearest

NEEDED = ("file", "label")
ALL_COLUMNS = (*NEEDED, "split", "group")
SUFFIXES = (".csv", ".tsv", ".tab")
LIKE_TABLES = (*SUFFIXES, ".txt", ".dat", "")  # at the top of the folder
Line = tuple[int, dict[str, str]]  # the line's number in the file, its fields by column


@dataclass(frozen=True)
class _Table:
    """The content of a table of labels. `path`: relative to the folder that holds the samples."""

    path: str
    header: list[str]
    lines: list[Line]

    def columns(self) -> Columns:
        return columns_of(self.header, [line for _, line in self.lines], self.path)


class CsvTable:
    """Reads labels.csv; else the only table with columns of files and labels; else one for each
    split, such as train.csv and test.csv. Separated by comma, semicolon, tab or |; UTF-8, or UTF-16
    with a BOM."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        """Whether there is such a table, or a CSV and no folder. Beside folders, a table that is
        not called labels.csv has to name at least one file that is there."""
        names = _tables(files)
        if not names or names[0].lower() == TABLE:
            return bool(names)
        has_folders = any("/" in name for name in files.names if name not in names)
        return not has_folders or any(_names_a_file(name, files) for name in names)

    def read(self, files: Files) -> Reading:
        """Read the samples that the tables list. Files are relative to the table's folder, or are
        found by their name anywhere in the folder.

        Raises DataError with everything that is wrong: the header, missing files, paths outside, or
        several tables."""
        names = _tables(files)
        if not names:
            raise DataError(f"There is no {TABLE} in {files.folder.name}.", "Write one: file,label")
        splits = _splits_of(names)
        reading = _reading(files.folder, names, splits, files)
        used = {*names, *(row.file for row in reading.rows)}
        return replace(reading, ignored=tuple(name for name in files.names if name not in used))


def read_table(table: Path) -> Reading:
    """Read the samples that `table` lists; files are relative to its folder. Raises DataError as
    CsvTable does."""
    return _reading(table.parent, [table.name], {}, None)


def is_table(path: Path) -> bool:
    """Whether the file at `path` begins with a line of column names, file and label among them."""
    return has_labels(header_of(path))


def _tables(files: Files) -> list[str]:
    """The tables of labels in the folder: its labels.csv, or those at its top, or those below."""
    folder, names = files.folder, files.names
    top = [name for name in names if "/" not in name]
    for name in top:
        if name.lower() == TABLE:
            return [name]
    candidates = [name for name in top if PurePosixPath(name).suffix.lower() in LIKE_TABLES]
    found = [name for name in candidates if is_table(folder / name)]
    found = found or [
        name for name in names if name.lower().endswith(SUFFIXES) and is_table(folder / name)
    ]
    only = [name for name in top if name.lower().endswith(SUFFIXES)]
    if not found and len(only) == 1 and len(top) == len(names):
        return [] if has_boxes(header_of(folder / only[0])) else only
    return found


def _names_a_file(name: str, files: Files) -> bool:
    """Whether a line of the table `name` names a file of the folder; so it does, if it cannot be
    read: reading it will tell why."""
    folder = files.folder
    try:
        table = _table(folder, name)
        column = table.columns().file
    except DataError:
        return True
    return any(
        _is_file(folder, _file(folder, name, line[column], files))
        for _, line in table.lines
        if not is_outside(line[column])
    )


def _splits_of(names: Sequence[str]) -> dict[str, str]:
    """The split of each table, if there are several. Raises DataError if they name none."""
    if len(names) == 1:
        return {}
    splits = {name: split_named(PurePosixPath(name).stem) or split_of(name) for name in names}
    if all(splits.values()):
        return splits
    raise DataError(
        f"{len(names)} tables have columns of files and labels: {few(names)}.",
        f"Call the right one {TABLE}, or add the data with --leave-out for the others. Tables of "
        "splits are called train.csv, validation.csv and test.csv.",
    )


def _reading(
    folder: Path, names: Sequence[str], splits: dict[str, str], files: Files | None
) -> Reading:
    rows: list[Row] = []
    problems: list[str] = []
    notes: list[str] = []
    for name in names:
        table = _table(folder, name)
        columns = table.columns()
        read = [
            _row(folder, name, line, columns, splits.get(name, ""), files)
            for _, line in table.lines
        ]
        rows += read
        problems += [
            *_outside(table.lines, columns),
            *_missing(folder, read),
            *_bad_splits(table.lines, columns),
        ]
        notes += [note for note in [columns.note(name)] if note]
    if problems:
        raise DataError("\n".join(problems), f"Correct {few(names)} and add it again.")
    rows.sort(key=lambda row: (row.file, row.label))
    copied = (
        {TABLE: names[0]}
        if len(names) == 1 and "/" not in names[0]
        else dict(zip(names, names, strict=True))
    )
    return Reading(tuple(rows), copied, notes=tuple(notes))


def _table(folder: Path, name: str) -> _Table:
    """The table `name`. Raises DataError for a header without files and labels, or no lines."""
    found = records(text_of(folder / name))
    number = 0
    header: list[str] = []
    lines: list[Line] = []
    try:
        number, header = next(found, (1, header))
        _check_header(name, header, number)
        for number, fields in found:
            lines.append((number, _fields(name, header, fields, number)))
    except csv.Error as error:
        raise DataError(f"{name}, after line {number}: {error}.", "Correct it.") from error
    if not lines:
        raise DataError(f"{name} has a header but no rows.", "Add a line for each file.")
    return _Table(name, header, lines)


def _check_header(table: str, header: list[str], number: int) -> None:
    twice = [name for name, count in Counter(map(str.lower, header)).items() if name and count > 1]
    if twice:
        raise DataError(
            f"{table}, line {number}: several columns are called {few(twice)}.", "Rename them."
        )
    if has_labels(header):
        return
    names = [column.lower() for column in header]
    lacking = [name for name in NEEDED if not has_labels([*header, *({*NEEDED} - {name})])]
    near = [
        nearest(name, [column for column in names if column not in ALL_COLUMNS]) for name in lacking
    ]
    hints = "".join(
        hint.replace("you mean", f"you mean {name} by")
        for hint, name in zip(near, lacking, strict=True)
    )
    raise DataError(
        f"{table}, line {number}: there is no column {' and no column '.join(lacking)}; "
        f"the line has: {', '.join(header) or 'nothing'}.",
        f"{hints}The first line names the columns: file,label, and optionally split and group.",
    )


def _fields(table: str, header: list[str], fields: list[str], line: int) -> dict[str, str]:
    if len(fields) > len(header) and any(fields[len(header) :]):
        raise DataError(
            f"{table}, line {line}: {len(fields)} fields under {len(header)} columns.",
            "Put quotes around a field that has a comma inside.",
        )
    padded = [*fields, *[""] * (len(header) - len(fields))]
    return dict(zip(header, padded, strict=False))


def _row(
    folder: Path,
    table: str,
    line: dict[str, str],
    columns: Columns,
    split: str,
    files: Files | None,
) -> Row:
    used = {columns.file, columns.label, columns.split, columns.group}
    group = line.get(columns.group, "")
    return Row(
        _file(folder, table, line[columns.file], files),
        line[columns.label],
        split_named(line.get(columns.split, "")) or split,
        f"fold {group}" if group and columns.group.lower().startswith("fold") else group,
        extra={key: value for key, value in line.items() if key and key not in used},
    )


def _file(folder: Path, table: str, name: str, files: Files | None) -> str:
    """The file that `name` means, with / between its parts, on whatever system it was written;
    `name` itself if there is none."""
    if is_outside(name):
        return name
    if "\\" in name and not _is_file(folder, name):
        name = name.replace("\\", "/")
    name = PurePosixPath(name).as_posix()
    home = PurePosixPath(table).parent.as_posix()
    beside = name if home == "." else f"{home}/{name}"
    if name == "." or files is None or _is_file(folder, beside):
        return beside
    found = files.find(name, (home,)) or files.called(name)
    return found[0] if len(found) == 1 else name


def _is_file(folder: Path, name: str) -> bool:
    try:
        return (folder / name).is_file()
    except OSError:  # a name that is too long for the file system
        return False


def is_outside(name: str) -> bool:
    """Whether `name` leads, or may lead, out of the folder that it is relative to."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    return (
        posix.is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in posix.parts
        or ".." in windows.parts
        or "\0" in name
    )


def _outside(lines: list[Line], columns: Columns) -> list[str]:
    found = [
        f"line {number}: {line[columns.file]}"
        for number, line in lines
        if is_outside(line[columns.file])
    ]
    if not found:
        return []
    return [f"{len(found)} files are not named relative to the table's folder: {few(found)}."]


def _missing(folder: Path, rows: list[Row]) -> list[str]:
    inside = [row.file for row in rows if not is_outside(row.file)]
    gone = [name or "(no name)" for name in inside if not _is_file(folder, name)]
    if not gone:
        return []
    return [f"{len(gone)} of {len(rows)} files are not there: {few(gone)}."]


def _bad_splits(lines: list[Line], columns: Columns) -> list[str]:
    found = [
        f"line {number}: {line[columns.split]}"
        for number, line in lines
        if line.get(columns.split) and not split_named(line[columns.split])
    ]
    if not found:
        return []
    return [f"{len(found)} splits are none of train, validation, test: {few(found)}."]
