"""Saves a draft as a revision, through the same intake as `aiwf data add`: a labels.csv, or for
boxes a COCO file for each split, beside the files at their own names. What is read back is compared
with the draft first, so that nothing can be lost on the way."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stages.artifacts import Box
from stages.etl import source
from stages.etl.cached_files import CachedFile, path_of, read_cached
from stages.etl.readers import Row, read_folder
from stages.etl.readers.choices import OURS, Choices
from stages.etl.readers.split_names import is_column_of_splits
from stages.etl.source import Revision
from stages.etl.writers import LayoutWriter
from stages.etl.writers.coco_writer import CocoWriter
from stages.etl.writers.csv_writer import CsvWriter
from stages.runtime.errors import DataError
from stages.settings import Settings
from stages.studio.drafts import Draft

Fields = sqlite3.Row | dict[str, Any]  # of a sample, by name


class Revised(NamedTuple):
    """`unusable`: files whose annotation could not be read and that nobody annotated anew; they are
    not in the revision."""

    revision: Revision
    unusable: list[str]


class AddedSample(NamedTuple):
    """A sample that the draft does not have: its name in the data, and where its bytes are.
    `boxes`: each label, left, top, right and bottom, in pixels."""

    file: str
    path: Path
    label: str
    split: str
    boxes: Sequence[Sequence[Any]] = ()

    @property
    def row(self) -> dict[str, Any]:
        """As a row of the index, as far as a revision needs it."""
        own = {"file": self.file, "label": self.label, "split": self.split}
        boxes = json.dumps(list(self.boxes))
        return {**own, "group": "", "boxes": boxes, "extra": "", "problem": "", "reviewed": 1}


def revise(
    draft: Draft, settings: Settings, note: str, added: Sequence[AddedSample] = ()
) -> Revised:
    """Keep `draft` with the `added` samples as a revision of its data set, with `note`.

    Raises DataError if it cannot be written so that it is read back as it is, or has nothing to
    learn from, and what `source.add` raises."""
    rows = [row for row in draft.rows() if not row["excluded"]]
    unusable = [row["file"] for row in rows if _is_unusable(row)]
    usable = [row for row in rows if not _is_unusable(row)]
    settings.cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="revise-", dir=settings.cache) as temporary:
        folder = Path(temporary) / draft.name
        for row in usable:
            _put(folder / row["file"], row, settings)
        for sample in added:
            (folder / sample.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / sample.file).write_bytes(sample.path.read_bytes())
        whole: list[Fields] = [*usable, *(sample.row for sample in added)]
        writer: LayoutWriter = CocoWriter() if draft.facts.kind == "boxes" else CsvWriter()
        writer.annotate([_row(row) for row in whole], folder)
        choices = _choices(whole)
        _check(folder, whole, choices)
        return Revised(source.add(draft.name, folder, settings, note, choices), unusable)


def _choices(rows: Sequence[Fields]) -> Choices:
    """No answers, unless a further column is called as if it assigned splits: the draft says that
    it does not."""
    if any(row["split"] or row["group"] for row in rows):
        return Choices()
    columns = {key for row in rows if row["extra"] for key in json.loads(row["extra"])}
    return Choices(splits=OURS) if any(map(is_column_of_splits, columns)) else Choices()


def _is_unusable(row: sqlite3.Row) -> bool:
    """Whether the annotation has a problem that nobody has mended."""
    return bool(row["problem"]) and not row["reviewed"]


def _put(path: Path, row: sqlite3.Row, settings: Settings) -> None:
    """Put the bytes of a sample at `path`, as a link if the cache has them as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = CachedFile(row["md5"], row["start"], row["size"])
    cached = path_of(file, settings)
    if cached and cached.is_file() and cached.stat().st_size == file.size:
        path.symlink_to(cached)
    else:
        path.write_bytes(read_cached(file, settings))


def _row(row: Fields) -> Row:
    """A row of the index as a reader would give it."""
    return Row(
        row["file"],
        row["label"],
        row["split"],
        row["group"],
        tuple(Box(*box) for box in json.loads(row["boxes"])),
        json.loads(row["extra"]) if row["extra"] else {},
    )


def _check(folder: Path, rows: Sequence[Fields], choices: Choices) -> None:
    """Raise DataError unless the folder is read as the draft is."""
    found = {row.file: _content(row) for row in read_folder(folder, choices=choices).rows}
    expected = {
        row["file"]: (
            row["label"],
            _rounded(json.loads(row["boxes"])),
            row["split"],
            row["group"],
        )
        for row in rows
    }
    splits = {row["split"] for row in rows}
    if len(splits) == 1 and any(boxes for _, boxes, _, _ in expected.values()):
        expected = {
            file: (label, boxes, "", group) for file, (label, boxes, _, group) in expected.items()
        }  # a single COCO file defines no splits
    differing = [file for file in expected if found.get(file) != expected[file]]
    if differing or len(found) != len(expected):
        raise DataError(
            f"{len(differing)} samples would not be read as they are, such as "
            f"{', '.join(repr(name) for name in differing[:3])}.",
            "Nothing was saved. Use simpler names for labels and files.",
        )


def _content(row: Row) -> tuple[str, list[Any], str, str]:
    return row.label, _rounded([list(box) for box in row.boxes]), row.split, row.group


def _rounded(boxes: Sequence[Sequence[Any]]) -> list[Any]:
    return [[box[0], *(round(float(edge), 2) for edge in box[1:])] for box in boxes]
