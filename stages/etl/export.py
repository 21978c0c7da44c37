"""Exports a revision of raw data: its files with labels or boxes, splits and groups, in a layout
that other tools read. What was written is read again and compared before it is given to anybody."""

import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

from stages.etl.raw_data import RawData
from stages.etl.readers import Reading, Row, few, read_folder, read_revision
from stages.etl.readers.rows import labels_of
from stages.etl.writers import LayoutWriter
from stages.etl.writers.file_names import FileNames
from stages.parts import TASKS, WRITERS
from stages.runtime.errors import ConfigError, DataError, InfrastructureError

TEXTS = (".csv", ".json", ".txt", ".xml", ".yaml")
NEARLY = 0.01  # pixels: by so much a written box may differ, as layouts write shares or decimals


class Exported(NamedTuple):
    """`samples`: how many were written. `notes`: what the layout cannot say, and what is left
    out, as sentences."""

    samples: int
    notes: tuple[str, ...]


def export_revision(raw: RawData, layout: str, out: Path) -> Exported:
    """Write the revision `raw` in `layout`, a name on the board WRITERS, to the new folder `out`:
    whole, or not at all.

    Raises ConfigError if the folder is there already, DataError if the layout cannot have these
    annotations."""
    WRITERS.check(layout)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out} is there already.", "Name a new folder, or empty this one.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".aiwf-export-", dir=out.parent) as temporary:
            with raw.opened() as folder:
                draft = Path(temporary) / (out.name or "export")
                draft.mkdir()
                exported = write_layout(read_revision(folder), folder, layout, draft)
            with suppress(FileNotFoundError):
                out.rmdir()
            os.replace(draft, out)
    except OSError as error:
        raise InfrastructureError(
            f"Cannot write {out}: {error.strerror or error}.",
            "Free some disk space, or choose a folder that you may write to.",
        ) from error
    return exported


def export_zip(raw: RawData, layout: str, path: Path) -> Exported:
    """Write the revision `raw` in `layout` to a new zip at `path`, one file after the other; equal
    revisions give equal bytes. Raises what `export_revision` raises."""
    WRITERS.check(layout)
    with TemporaryDirectory(prefix="export-", dir=path.parent) as temporary:
        out = Path(temporary) / path.stem
        out.mkdir()
        with raw.opened() as folder:
            exported = write_layout(read_revision(folder), folder, layout, out, linked=True)
            _zip(out, path)
    return exported


def write_layout(
    reading: Reading, folder: Path, layout: str, out: Path, linked: bool = False
) -> Exported:
    """Write the samples of `reading`, whose files are in `folder`, to the empty folder `out`.
    `linked`: as links, for as long as `folder` is there.

    Raises DataError if the layout cannot have these annotations so that they are read back."""
    writer: LayoutWriter = WRITERS[layout]()
    answers = answers_of(reading)
    if answers not in writer.answers:
        able = ", ".join(name for name in WRITERS if answers in WRITERS[name].answers)
        raise DataError(f"{layout} has no place for {answers}.", f"Choose one of {able}.")
    rows, notes = _usable(reading.rows)
    names = FileNames(writer.distinct_stems)
    written = []
    for row in rows:
        path = names.path(writer.folder(row), PurePosixPath(row.file).name)
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        if linked:
            (out / path).symlink_to((folder / row.file).absolute())
        else:
            shutil.copyfile(folder / row.file, out / path)
        written.append(replace(row, file=path))
    writer.annotate(written, out)
    return Exported(len(written), (*notes, *_check(written, layout, writer, out)))


def answers_of(reading: Reading) -> str:
    """The kind of answers that data of this layout are annotated with, labels or boxes; a task says
    which."""
    kinds = [TASKS[name].answers for name in TASKS if reading.layout in TASKS[name].readers] or [
        "labels"
    ]
    return "boxes" if any(row.boxes for row in reading.rows) else str(kinds[0])


def _usable(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows that can be written, sorted by name, and a note about the others."""
    labels = Counter(row.file for row in rows)
    usable = [row for row in rows if not row.problem and labels[row.file] == 1]
    if not usable:
        raise DataError("There is no sample whose annotation can be used.", "Add the data again.")
    lost = sorted({row.file for row in rows} - {row.file for row in usable})
    note = f"Left out, as their annotation cannot be used or is there twice: {len(lost)} ("
    notes = [f"{note}{few(lost)})."] if lost else []
    return sorted(usable, key=lambda row: row.file), notes


def _check(rows: Sequence[Row], layout: str, writer: LayoutWriter, out: Path) -> list[str]:
    """What the layout does not keep of `rows`, as sentences.

    Raises DataError unless all else is read back as it is."""
    try:
        found = {row.file: row for row in read_folder(out).rows}
    except DataError as error:
        raise _unreadable(layout, error.problem) from error
    notes, expected = [], list(rows)
    if not writer.keeps_groups and any(row.group for row in rows):
        notes.append(f"{layout} has no place for groups: they are not in the export.")
        expected = [replace(row, group="") for row in expected]
    splits = {row.split for row in rows}
    if len(splits) == 1 and splits != {""} and not any(row.split for row in found.values()):
        notes.append(f"All samples are of {splits.pop()}, which {layout} does not say.")
        expected = [replace(row, split="") for row in expected]
    wrong = [row.file for row in expected if not _is_same(row, found.get(row.file))]
    if wrong or len(found) != len(expected):
        raise _unreadable(layout, f"{len(wrong)} samples are not read as they are: {few(wrong)}.")
    return notes


def _unreadable(layout: str, why: str) -> DataError:
    return DataError(
        f"As {layout} these data would not be read back as they are: {why}",
        "Nothing was written. Choose another format, or use simpler names for labels.",
    )


def _is_same(row: Row, found: Row | None) -> bool:
    if found is None or (row.label, row.split, row.group) != (
        found.label,
        found.split,
        found.group,
    ):
        return False
    return labels_of(row) == labels_of(found) and all(
        abs(edge - other) < NEARLY
        for box, again in zip(row.boxes, found.boxes, strict=True)
        for edge, other in zip(box[1:], again[1:], strict=True)
    )


def _zip(folder: Path, path: Path) -> None:
    """Zip all files below `folder`. Pictures and sounds are compressed already; texts are not."""
    with zipfile.ZipFile(path, "x") as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix())
            entry.external_attr = 0o644 << 16
            is_text = file.suffix in TEXTS
            entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
            with file.open("rb") as data, archive.open(entry, "w", force_zip64=True) as packed:
                shutil.copyfileobj(data, packed)
