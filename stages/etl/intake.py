"""Copies a user's data, a folder, a zip or a CSV, into a workspace; the original is only read."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from stages.etl import archive
from stages.etl.readers import Reading, few, read_folder
from stages.etl.readers.csv_table import read_table
from stages.runtime.errors import ConfigError, DataError, InfrastructureError

TABLES = (".csv", ".json", ".xml", ".yaml", ".txt", ".names")


def take_in(path: Path, folder: Path) -> tuple[Reading, Path]:
    """Copy the samples at `path` to folder/data; return what was read and the copy's folder.

    Raises ConfigError if there is nothing at `path`, DataError with everything that is wrong."""
    if path.is_dir():
        return _copied(_innermost(path), folder)
    if not path.is_file():
        raise ConfigError(f"There is no {path}.", "Give a folder, a zip or a CSV.")
    match path.suffix.lower():
        case ".csv" | ".tsv":
            return _copied(path.parent, folder, read_table(path))
        case ".zip":
            unpacked = folder / "unpacked" / path.name  # the name that errors show
            unpacked.mkdir(parents=True)
            archive.unpack(path, unpacked)
            return _copied(_innermost(unpacked), folder)
    raise ConfigError(
        f"{path.name} is neither a folder nor a .zip nor a .csv.",
        "Give a folder of class folders, a zip of it, or a CSV with the columns file and label.",
    )


def _innermost(folder: Path) -> Path:
    """`folder`, or the single folder inside that contains everything, as in many zips."""
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__"))]
    if (
        len(inside) == 1
        and inside[0].is_dir()
        and any(entry.is_dir() for entry in inside[0].iterdir())
    ):
        return _innermost(inside[0])
    only = [entry for entry in inside if entry.is_dir()]
    has_table = len(only) == 1 == len(inside) and any(
        entry.suffix in TABLES for entry in only[0].iterdir()
    )
    return only[0] if has_table else folder


def _copied(source: Path, folder: Path, reading: Reading | None = None) -> tuple[Reading, Path]:
    try:
        reading = _with_reasons(reading or read_folder(source), source)
        _check_links(reading, source)
        _check_room(source, reading, folder)
        target = folder / "data"
        names = {row.file: row.file for row in reading.rows} | reading.tables
        for name, origin in names.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / origin, target / name)
    except PermissionError as error:
        raise DataError(
            f"'{error.filename}' may not be read.", "Change its permissions, or leave it out."
        ) from error
    return reading, target


def _with_reasons(reading: Reading, source: Path) -> Reading:
    """`reading` in which the files that are left out as links lead nowhere say so."""
    ignored = (
        f"{name}, a link to '{os.readlink(source / name)}', which is not there"
        if _leads_nowhere(source / name)
        else name
        for name in reading.ignored
    )
    return replace(reading, ignored=tuple(ignored))


def _check_links(reading: Reading, source: Path) -> None:
    """Raise DataError for samples that are links to files that are not there."""
    names = [row.file for row in reading.rows if _leads_nowhere(source / row.file)]
    if names:
        raise DataError(
            f"{len(names)} of {len(reading.rows)} samples are links that lead nowhere, such as "
            f"'{names[0]}' to '{os.readlink(source / names[0])}'.",
            "Put the files there, or take these samples out of the annotations.",
        )


def _leads_nowhere(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _check_room(source: Path, reading: Reading, folder: Path) -> None:
    needed = 2 * sum(
        os.path.getsize(source / row.file) for row in reading.rows
    )  # here and in the cache
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InfrastructureError(
            f"The data needs {needed // 2**20} MiB, and {free // 2**20} MiB are free in {folder}.",
            "Free some disk space, or set AIWF_WORKSPACE to a larger disk.",
        )


def notice_of_skipped(reading: Reading) -> str:
    """A notice of the files that were not copied and the annotations that are unusable; empty if
    there are none."""
    notices = []
    if reading.ignored:
        what = "other file was" if len(reading.ignored) == 1 else "other files were"
        notices.append(f"{len(reading.ignored)} {what} left out: {few(reading.ignored)}")
    wrong = [row.problem for row in reading.rows if row.problem]
    if wrong:
        what = "annotation" if len(wrong) == 1 else "annotations"
        notices.append(f"{len(wrong)} {what} will be quarantined: {few(wrong)}")
    return "; ".join(notices)
