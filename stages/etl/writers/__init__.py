"""Writers: one for each layout in which a revision is exported; the mirror of the readers."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from stages.etl.readers import Row

SPLIT_FOLDERS = {"": "unassigned", "train": "train", "validation": "val", "test": "test"}


class LayoutWriter(Protocol):
    """Writes annotations in one layout. `answers`: what it can write, labels or boxes;
    `keeps_groups`: whether the layout has a place for them; `distinct_stems`: whether no two files
    may differ in their suffix only, as an annotation is named after its file."""

    answers: ClassVar[tuple[str, ...]]
    keeps_groups: ClassVar[bool]
    distinct_stems: ClassVar[bool]

    def folder(self, row: Row) -> str:
        """The folder for the file of `row`, with / between parts; '' for the top.

        Raises DataError for a label that cannot be a folder's name."""
        ...

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        """Write the annotations of `rows`, whose files are in `out` already, beside them."""
        ...
