"""COCO: annotations_SPLIT.json for each split (T.-Y. Lin et al., Microsoft COCO, 2014)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from stages.etl.readers import Row
from stages.etl.readers.files import size_of
from stages.etl.writers.csv_writer import CsvWriter

DECIMALS = 4  # of a pixel, to which readers round


class CocoWriter:
    """The files at their own names. An image's key `group`, which is ours, has its group."""

    answers: ClassVar[tuple[str, ...]] = ("boxes",)
    keeps_groups: ClassVar[bool] = True
    distinct_stems: ClassVar[bool] = False

    def folder(self, row: Row) -> str:
        return CsvWriter().folder(row)

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        labels = sorted({box.label for row in rows for box in row.boxes})
        for split in sorted({row.split for row in rows}):
            record = _record([row for row in rows if row.split == split], labels, out)
            with (out / f"annotations_{split or 'all'}.json").open("w", encoding="utf-8") as text:
                json.dump(record, text, ensure_ascii=False)


def _record(rows: Sequence[Row], labels: Sequence[str], out: Path) -> dict[str, list[Any]]:
    places = {label: number for number, label in enumerate(labels, 1)}
    categories = [{"id": number, "name": label} for label, number in places.items()]
    images, annotations = [], list[dict[str, Any]]()
    for number, row in enumerate(rows, 1):
        images.append(_image(number, row, out))
        for box in row.boxes:
            bbox = _bbox(box[1:])
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": places[box.label],
                    "bbox": bbox,
                    "area": round(bbox[2] * bbox[3], DECIMALS),
                    "iscrowd": 0,
                }
            )
    return {"images": images, "annotations": annotations, "categories": categories}


def _image(number: int, row: Row, out: Path) -> dict[str, Any]:
    image: dict[str, Any] = {"id": number, "file_name": row.file}
    if size := size_of(out / row.file):
        image |= {"width": size[0], "height": size[1]}
    return {**image, "group": row.group} if row.group else image


def _bbox(edges: Sequence[float]) -> list[float]:
    left, top, right, bottom = edges
    return [round(edge, DECIMALS) for edge in (left, top, right - left, bottom - top)]
