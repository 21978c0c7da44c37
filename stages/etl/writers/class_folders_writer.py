"""Class folders: split/label/file, or label/file where no split is assigned."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from stages.etl.readers import Row
from stages.etl.writers.file_names import is_safe_part
from stages.runtime.errors import DataError


class ClassFoldersWriter:
    """train/cat/1.jpg, or cat/1.jpg for samples without a split."""

    answers: ClassVar[tuple[str, ...]] = ("labels",)
    keeps_groups: ClassVar[bool] = False
    distinct_stems: ClassVar[bool] = False

    def folder(self, row: Row) -> str:
        if not is_safe_part(row.label):
            raise DataError(
                f"The label {row.label!r} cannot be the name of a folder.",
                "Choose another format, such as csv, or rename the label.",
            )
        return f"{row.split}/{row.label}" if row.split else row.label

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        """Nothing: the folders say it."""
