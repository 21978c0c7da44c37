"""A CSV beside the files: file,label[,split][,group]; other columns are kept as extra facts."""

import csv
import io
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import ClassVar

from stages.etl.readers import SPLITS, Reading, Row, few
from stages.runtime.errors import DataError
from stages.runtime.registry import nearest

TABLE = "labels.csv"
NEEDED = ("file", "label")
ALL_COLUMNS = (*NEEDED, "split", "group")
DELIMITERS = ",;\t"
MOST_BYTES = 500_000_000
Line = tuple[int, dict[str, str]]  # the line's number in the file, its fields by column


class CsvTable:
    """Reads labels.csv, or the only CSV of the folder. Separated by comma, semicolon or tab; UTF-8,
    or UTF-16 with a BOM."""

    loose: ClassVar[bool] = False

    def matches(self, folder: Path) -> bool:
        """Whether there is such a table; another CSV beside class folders does not count."""
        table = _table(folder)
        if table is None:
            return False
        if table.name == TABLE or not any(path.is_dir() for path in folder.iterdir()):
            return True
        return set(NEEDED) <= set(_columns(_text(table)))

    def read(self, folder: Path) -> Reading:
        table = _table(folder)
        if table is None:
            raise DataError(f"There is no {TABLE} in {folder.name}.", "Write one: file,label")
        return read_table(table)


def read_table(table: Path) -> Reading:
    """Read the samples that `table` lists; files are relative to its folder.

    Raises DataError with everything that is wrong: the header, missing files, paths outside."""
    lines = _lines(table)
    rows = [_row(table.parent, line) for _, line in lines]
    problems = [*_outside(lines), *_missing(table.parent, rows), *_bad_splits(lines)]
    if problems:
        raise DataError("\n".join(problems), f"Correct {table.name} and add it again.")
    if not rows:
        raise DataError(f"{table.name} has a header but no rows.", "Add a line for each file.")
    rows.sort(key=lambda row: (row.file, row.label))
    return Reading(tuple(rows), {TABLE: table.name})


def _table(folder: Path) -> Path | None:
    if (folder / TABLE).is_file():
        return folder / TABLE
    found = [path for path in folder.glob("*.csv") if not path.name.startswith(".")]
    return found[0] if len(found) == 1 else None


def _text(table: Path) -> str:
    if table.stat().st_size > MOST_BYTES:
        raise DataError(f"{table.name} is too large for a table of labels.", "Is it another file?")
    data = table.read_bytes()
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{table.name}, line {line}: this is not UTF-8 text.", "Save the table as UTF-8."
        ) from error


def _delimiter(text: str) -> str:
    head = text.partition("\n")[0]
    return max(DELIMITERS, key=head.count)


def _columns(text: str) -> list[str]:
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True)
    try:
        head = next(rows, [])
    except csv.Error:  # an unclosed quote: not a table
        head = []
    return [
        column.strip().lower() if column.strip().lower() in ALL_COLUMNS else column.strip()
        for column in head
    ]


def _lines(table: Path) -> list[Line]:
    text = _text(table)
    columns = _columns(text)
    _check_header(table, columns)
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text), skipinitialspace=True)
    next(reader)
    lines: list[Line] = []
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                lines.append((reader.line_num, _fields(table, columns, fields, reader.line_num)))
    except csv.Error as error:
        raise DataError(f"{table.name}, line {reader.line_num}: {error}.", "Correct it.") from error
    return lines


def _check_header(table: Path, columns: list[str]) -> None:
    lacking = [name for name in NEEDED if name not in columns]
    if not lacking:
        return
    near = [
        nearest(name, [column for column in columns if column not in ALL_COLUMNS])
        for name in lacking
    ]
    hints = "".join(
        hint.replace("you mean", f"you mean {name} by")
        for hint, name in zip(near, lacking, strict=True)
    )
    raise DataError(
        f"{table.name}, line 1: there is no column {' and no column '.join(lacking)}; "
        f"the line has: {', '.join(columns) or 'nothing'}.",
        f"{hints}The first line names the columns: file,label, and optionally split and group.",
    )


def _fields(table: Path, columns: list[str], fields: list[str], line: int) -> dict[str, str]:
    if len(fields) > len(columns) and any(field.strip() for field in fields[len(columns) :]):
        raise DataError(
            f"{table.name}, line {line}: {len(fields)} fields under {len(columns)} columns.",
            "Put quotes around a field that has a comma inside.",
        )
    padded = [*fields, *[""] * (len(columns) - len(fields))]
    return dict(zip(columns, (field.strip() for field in padded), strict=False))


def _row(folder: Path, line: dict[str, str]) -> Row:
    extra = {key: value for key, value in line.items() if key not in ALL_COLUMNS and key}
    split = SPLITS.get(line.get("split", "").lower(), "")
    return Row(
        _name(folder, line["file"]), line["label"], split, line.get("group", ""), extra=extra
    )


def _name(folder: Path, name: str) -> str:
    """`name` with / between its parts, on whatever system it was written."""
    if "\\" in name and not is_outside(name) and not _is_file(folder, name):
        name = name.replace("\\", "/")
    return name if is_outside(name) else PurePosixPath(name).as_posix()


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


def _outside(lines: list[Line]) -> list[str]:
    found = [f"line {number}: {line['file']}" for number, line in lines if is_outside(line["file"])]
    if not found:
        return []
    return [f"{len(found)} files are not named relative to the table's folder: {few(found)}."]


def _missing(folder: Path, rows: list[Row]) -> list[str]:
    inside = [row.file for row in rows if not is_outside(row.file)]
    gone = [name or "(no name)" for name in inside if not _is_file(folder, name)]
    if not gone:
        return []
    return [f"{len(gone)} of {len(rows)} files are not there: {few(gone)}."]


def _bad_splits(lines: list[Line]) -> list[str]:
    found = [
        f"line {number}: {line['split']}"
        for number, line in lines
        if line.get("split") and line["split"].lower() not in SPLITS
    ]
    if not found:
        return []
    return [f"{len(found)} splits are none of train, validation, test: {few(found)}."]
