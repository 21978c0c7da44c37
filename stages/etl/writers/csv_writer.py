"""labels.csv beside the files: file, label, split, group, and the columns of the data."""

import csv
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

from stages.etl.readers import TABLE, Row
from stages.etl.readers.delimited import guarded

COLUMNS = ("file", "label", "split", "group")


class CsvWriter:
    """The files at their own names, and the table at the top. A field that a spreadsheet would take
    for a formula is guarded, as `delimited.guarded` says."""

    answers: ClassVar[tuple[str, ...]] = ("labels",)
    keeps_groups: ClassVar[bool] = True
    distinct_stems: ClassVar[bool] = False

    def folder(self, row: Row) -> str:
        parent = str(PurePosixPath(row.file).parent)
        return "" if parent == "." else parent

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        further = list(dict.fromkeys(key for row in rows for key in row.extra if _is_free(key)))
        with (out / TABLE).open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(map(guarded, [*COLUMNS, *further]))
            for row in rows:
                own = (row.file, row.label, row.split, row.group)
                writer.writerow(map(guarded, [*own, *(row.extra.get(key, "") for key in further)]))


def _is_free(column: str) -> bool:
    return column.strip().lower() not in COLUMNS
