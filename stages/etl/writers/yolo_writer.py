"""YOLO: images/SPLIT beside labels/SPLIT and data.yaml (docs.ultralytics.com/datasets/detect)."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.readers.files import size_of
from stages.etl.writers import SPLIT_FOLDERS
from stages.runtime.errors import DataError

DECIMALS = 9  # of a share: a picture of 16,384 pixels keeps four decimals of a pixel
KEYS = {"train": "train", "validation": "val", "test": "test"}


class YoloWriter:
    """A txt for each picture, empty for one without boxes: class x y width height, as shares of the
    upright picture."""

    answers: ClassVar[tuple[str, ...]] = ("boxes",)
    keeps_groups: ClassVar[bool] = False
    distinct_stems: ClassVar[bool] = True

    def folder(self, row: Row) -> str:
        return f"images/{SPLIT_FOLDERS[row.split]}"

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        import yaml

        labels = sorted({box.label for row in rows for box in row.boxes})
        places = {label: number for number, label in enumerate(labels)}
        for row in rows:
            path = out / "labels" / PurePosixPath(row.file).relative_to("images")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".txt").write_text(_lines(row, places, out), encoding="utf-8")
        splits = {row.split for row in rows}
        record: dict[str, Any] = {
            key: f"images/{SPLIT_FOLDERS[split]}" for split, key in KEYS.items() if split in splits
        }
        record["names"] = dict(enumerate(labels))
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True, width=1_000_000)
        (out / "data.yaml").write_text(text, encoding="utf-8")


def _lines(row: Row, places: dict[str, int], out: Path) -> str:
    if not row.boxes:
        return ""
    size = size_of(out / row.file)
    if size is None:
        raise DataError(
            f"The size of {row.file} cannot be read, so its boxes cannot be written as shares.",
            "Leave this picture out, or choose another format, such as coco.",
        )
    return "".join(f"{places[box.label]} {_shares(box, size)}\n" for box in row.boxes)


def _shares(box: Box, size: tuple[int, int]) -> str:
    across, down = size
    shares = (
        (box.left + box.right) / 2 / across,
        (box.top + box.bottom) / 2 / down,
        (box.right - box.left) / across,
        (box.bottom - box.top) / down,
    )
    return " ".join(f"{share:.{DECIMALS}f}".rstrip("0").rstrip(".") for share in shares)
