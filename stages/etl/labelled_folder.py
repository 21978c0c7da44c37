"""Writes a folder of samples with a table of their labels, as the reader of tables takes it."""

import os
from pathlib import Path, PurePosixPath

from stages.etl.readers import NO_SAMPLES, Row
from stages.etl.readers.walking import walk
from stages.etl.writers.csv_writer import CsvWriter
from stages.runtime.errors import DataError


def without_labels(folder: Path, target: Path) -> int:
    """Make the folder `target` of all samples in `folder`, none of which has a label yet; return
    how many. Raises DataError if there are none."""
    names = sorted(walk(folder).files)
    samples = [name for name in names if PurePosixPath(name).suffix.lower() not in NO_SAMPLES]
    if not samples:
        raise DataError(f"There are no samples in {folder.name}.", "Bring pictures or sounds.")
    for name in samples:
        link(folder / name, target / name)
    CsvWriter().annotate([Row(name) for name in samples], target)
    return len(samples)


def link(source: Path, target: Path) -> None:
    """Let `target` have the bytes of `source`, without a copy; both are on one disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source.resolve(), target)
