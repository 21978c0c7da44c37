"""Label Studio: a JSON of tasks with annotations, their regions in percent of the picture
(labelstud.io/guide/export)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from stages.artifacts import Box
from stages.etl.readers import Row
from stages.etl.readers.files import LOCAL, size_of
from stages.etl.writers import SPLIT_FOLDERS
from stages.runtime.errors import DataError

TABLE = "label_studio.json"


class LabelStudioWriter:
    """The pictures in folders of their splits, known by the addresses under which Label Studio
    serves local files: its LOCAL_FILES_DOCUMENT_ROOT is then the folder of the export."""

    answers: ClassVar[tuple[str, ...]] = ("boxes",)
    keeps_groups: ClassVar[bool] = True
    distinct_stems: ClassVar[bool] = False

    def folder(self, row: Row) -> str:
        return SPLIT_FOLDERS[row.split] if row.split else "images"

    def annotate(self, rows: Sequence[Row], out: Path) -> None:
        tasks = [_task(number, row, out) for number, row in enumerate(rows, 1)]
        with (out / TABLE).open("w", encoding="utf-8") as text:
            json.dump(tasks, text, ensure_ascii=False)


def _task(number: int, row: Row, out: Path) -> dict[str, Any]:
    data = {"image": f"/data/{LOCAL}{row.file}"}
    if row.group:
        data["group"] = row.group
    size = size_of(out / row.file)
    if size is None and row.boxes:
        raise DataError(
            f"The size of {row.file} cannot be read, so its boxes cannot be written as percent.",
            "Leave this picture out, or choose another format, such as coco.",
        )
    regions = [_region(f"{number}-{place}", box, size) for place, box in enumerate(row.boxes, 1)
               if size]  # fmt: skip
    return {"id": number, "data": data, "annotations": [{"id": number, "result": regions}]}


def _region(id: str, box: Box, size: tuple[int, int]) -> dict[str, Any]:
    across, down = size
    return {
        "id": id,
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": across,
        "original_height": down,
        "image_rotation": 0,
        "value": {
            "x": 100 * box.left / across,
            "y": 100 * box.top / down,
            "width": 100 * (box.right - box.left) / across,
            "height": 100 * (box.bottom - box.top) / down,
            "rotation": 0,
            "rectanglelabels": [box.label],
        },
    }
