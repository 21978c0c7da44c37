"""Tables as text: bytes to lines of fields, whatever separates them and however they are coded."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from stages.config.text_file import coding_of
from stages.runtime.errors import DataError
from stages.runtime.neutral import is_number

DELIMITERS = ",;\t|"
MOST_BYTES = 500_000_000
HEAD = 65_536  # bytes that are searched for the line of column names
FORMULA = re.compile("'*[=+\\-@＝＋－＠]")  # begins what a spreadsheet would compute


def text_of(table: Path) -> str:
    """The text of `table`. Raises DataError for a file that is too large, and with the line that is
    not UTF-8."""
    if table.stat().st_size > MOST_BYTES:
        raise DataError(f"{table.name} is too large for a table of labels.", "Is it another file?")
    data = table.read_bytes()
    try:
        return data.decode(coding_of(data))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{table.name}, line {line}: this is not UTF-8 text.", "Save the table as UTF-8."
        ) from error


def header_of(table: Path) -> list[str]:
    """The first line of `table` as names of columns; none if it is no text."""
    with table.open("rb") as data:
        head = data.read(HEAD)
    text = head.decode(coding_of(head), errors="ignore")
    if "\0" in text:
        return []
    try:
        return next(records(text), (0, list[str]()))[1]
    except csv.Error:  # an unclosed quote: not a table
        return []


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each line that is not empty, with its number. A first line sep=; of Excel names the
    delimiter."""
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as old Macs ended lines
    first, _, rest = text.partition("\n")
    named = first.strip().lower().removeprefix("sep=")
    skipped = int(first.lower().startswith("sep=") and named in {*DELIMITERS})
    body = rest if skipped else text
    head = body.lstrip().partition("\n")[0]
    delimiter = named if skipped else max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(body), delimiter=delimiter, skipinitialspace=True)
    for fields in reader:
        if any(field.strip() for field in fields):
            yield reader.line_num + skipped, [unguarded(field.strip()) for field in fields]


def guarded(field: str) -> str:
    """`field` with an apostrophe before it, if a spreadsheet would compute it (OWASP, CSV
    injection); `unguarded` takes that one away."""
    return f"'{field}" if FORMULA.match(field) and not is_number(field) else field


def unguarded(field: str) -> str:
    """The field that `guarded` was given."""
    return field[1:] if field.startswith("'") and FORMULA.match(field) else field
