"""Copies a user's data, a folder, a zip or a CSV, into a workspace; the original is only read."""

import os
import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

from stages.etl import archive
from stages.etl.readers import Reading, read_folder, with_splits
from stages.etl.readers.choices import Choices, check_choices
from stages.etl.readers.csv_table import SUFFIXES, is_table, read_table
from stages.etl.readers.label_studio import has_exported_regions, is_exported_table
from stages.etl.readers.walking import NO_TARGET, is_system, walk
from stages.etl.summary import check_splits_used
from stages.runtime.errors import ConfigError, DataError, InfrastructureError

BESIDE = "files beside the folder that has the samples"
ANNOTATIONS = (".json", ".jsonl", ".ndjson", ".xml", ".yaml", ".yml")
TABLES = (".csv", ".json", ".xml", ".yaml", ".txt", ".names")
READ_ME = re.compile(
    r"(readme|licen[cs]e|copying|citation|authors|changelog|notice)\b.*|.*\.(md|rst|pdf|html?|docx?)",
    re.IGNORECASE,
)


def take_in(path: Path, folder: Path, choices: Choices = Choices()) -> tuple[Reading, Path]:  # noqa: B008
    """Copy the samples at `path` to folder/data; return what was read and the copy's folder.

    `choices`: the user's answers. Raises ConfigError if there is nothing at `path` or an answer
    cannot be, DataError with everything that is wrong, Doubt if an answer is missing."""
    if path.is_dir():
        return _of_folder(path, folder, choices)
    if not path.exists():
        raise ConfigError(f"There is no {path}.", "Give a folder, a zip or a CSV.")
    if path.is_file():
        if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
            unpacked = folder / "unpacked" / path.name  # the name that errors show
            unpacked.mkdir(parents=True)
            archive.unpack(path, unpacked)
            return _of_folder(unpacked, folder, choices)
        _check_not_annotations_alone(path)
        if path.suffix.lower() in (*SUFFIXES, "") or is_table(path):
            if choices.layout or choices.exclude:
                raise ConfigError(
                    f"{path.name} is a table, whose lines say what each file is.",
                    "Change its lines, or add its folder.",
                )
            return _copied(path.parent, folder, choices, _table(path, choices))
    raise ConfigError(
        f"{path.name} is neither a folder nor a .zip nor a .csv.",
        "Give a folder of class folders, a zip of it, or a CSV with the columns file and label.",
    )


def _check_not_annotations_alone(path: Path) -> None:
    """Raise ConfigError for annotations that are given without their pictures."""
    if path.suffix.lower() in ANNOTATIONS:
        raise ConfigError(f"{path.name} holds annotations at most, and no pictures.", _beside(path))
    if path.suffix.lower() in SUFFIXES and is_exported_table(path):
        raise ConfigError(
            f"{path.name} is an export of Label Studio, which names pictures and has none.",
            _beside(path)
            if has_exported_regions(path)
            else "Write a table with the columns file and label beside the files, and add that.",
        )


def _beside(path: Path) -> str:
    return (
        f"Put {path.name} and its pictures into one folder, or a zip of it, and give that: COCO, "
        "CVAT's XML and Label Studio's JSON, JSON-MIN and CSV are read so."
    )


def _of_folder(path: Path, folder: Path, choices: Choices) -> tuple[Reading, Path]:
    """Copy the samples in the folder `path`, or in the folder inside that has everything. What is
    beside that one is left out."""
    inner = innermost(path)
    reading, data = _copied(inner, folder, choices)
    if inner == path:
        return reading, data
    within = f"{inner.relative_to(path).as_posix()}/"
    walked = walk(path)
    beside = {BESIDE: walked.files, **walked.excluded}
    outside = {
        reason: tuple(name for name in names if not name.startswith(within))
        for reason, names in beside.items()
    }
    excluded = {
        reason: (*reading.excluded.get(reason, ()), *outside.get(reason, ()))
        for reason in (*reading.excluded, *outside)
    }
    found = {reason: names for reason, names in excluded.items() if names}
    return replace(reading, excluded=found), data


def _table(path: Path, choices: Choices) -> Reading:
    reading = read_table(path)
    rows = with_splits(reading.rows, choices.splits, path.name)
    return replace(reading, rows=rows, layout="csv")


def innermost(folder: Path) -> Path:
    """`folder`, or the single folder inside that contains everything, as in many zips."""
    inside = [entry for entry in folder.iterdir() if not _is_beside(entry)]
    if (
        len(inside) == 1
        and inside[0].is_dir()
        and any(entry.is_dir() for entry in inside[0].iterdir())
    ):
        return innermost(inside[0])
    only = [entry for entry in inside if entry.is_dir()]
    has_table = len(only) == 1 == len(inside) and any(
        entry.suffix in TABLES for entry in only[0].iterdir()
    )
    return only[0] if has_table else folder


def _is_beside(entry: Path) -> bool:
    """Whether the entry says nothing about layout: hidden, or a readme beside the folder."""
    return is_system(entry.name) or bool(READ_ME.fullmatch(entry.name) and entry.is_file())


def _copied(
    source: Path, folder: Path, choices: Choices, reading: Reading | None = None
) -> tuple[Reading, Path]:
    try:
        if reading is None:
            check_choices(choices, source)
            reading = read_folder(source, choices=choices)
        check_splits_used(reading, choices)
        reading = _with_targets(reading, source)
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


def _with_targets(reading: Reading, source: Path) -> Reading:
    """`reading` in which links that lead nowhere, and so are left out, have their target."""
    dangling = tuple(
        f"{name} to {os.readlink(source / name)}" if _leads_nowhere(source / name) else name
        for name in reading.excluded.get(NO_TARGET, ())
    )
    return (
        replace(reading, excluded={**reading.excluded, NO_TARGET: dangling})
        if dangling
        else reading
    )


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
