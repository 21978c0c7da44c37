"""Class folders: a folder for each label, optionally in folders train, validation and test."""

from pathlib import Path
from typing import ClassVar

from stages.etl.readers import NO_SAMPLES, SPLITS, Reading, Row
from stages.etl.readers.walking import files_below, folders_in
from stages.runtime.errors import DataError


class ClassFolders:
    """flowers/daisy/1.jpg, or flowers/train/daisy/1.jpg: the label is the folder's name."""

    loose: ClassVar[bool] = True

    def matches(self, folder: Path) -> bool:
        return any(folders_in(folder))

    def read(self, folder: Path) -> Reading:
        """One row for each file below a label's folder. Raises DataError if there is none."""
        found = [_place(folder, path) for path in files_below(folder)]
        names = [name for name, is_sample in found if not is_sample]
        gives_splits = _gives_splits(folder)
        rows = []
        for name, is_sample in found:
            parts = name.split("/")[1:] if gives_splits else name.split("/")
            if is_sample and len(parts) > 1:
                split = SPLITS[name.split("/")[0].lower()] if gives_splits else ""
                rows.append(Row(name, parts[0].strip(), split))
            elif is_sample:
                names.append(name)
        _check(folder, rows)
        return Reading(tuple(rows), ignored=tuple(sorted(names)))


def _gives_splits(folder: Path) -> bool:
    """Whether the folders in `folder` are splits: all are named so and have folders inside."""
    folders = list(folders_in(folder))
    return all(path.name.lower() in SPLITS and any(folders_in(path)) for path in folders)


def _place(folder: Path, path: Path) -> tuple[str, bool]:
    """The path relative to `folder`, and whether it may be a sample: no document, no broken
    link."""
    may_be = path.suffix.lower() not in NO_SAMPLES and path.is_file()
    return path.relative_to(folder).as_posix(), may_be


def _check(folder: Path, rows: list[Row]) -> None:
    if not rows:
        raise DataError(
            f"There are no samples in the folders of {folder.name}.",
            "Put the samples of each label into a folder with the label's name.",
        )
