"""Label Studio's JSON export: tasks with annotations, their rectangles in percent of the picture
(labelstud.io/guide/export, labelstud.io/tags/rectanglelabels)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stages.artifacts import Box
from stages.etl.readers import Reading, Row, few
from stages.etl.readers.boxes import are_numbers, checked_size, group_in
from stages.etl.readers.files import Files, json_of, mentions, refuse, size_of, split_of

SIDES = ("x", "y", "width", "height")


class LabelStudio:
    """Reads the JSON beside the pictures, whatever URLs it has for them. Tasks without an
    annotation are left out; an annotation without rectangles makes a negative. Of several
    annotations of a task the ground truth is used, else the last one; a rotated rectangle becomes
    the box around it."""

    loose: ClassVar[bool] = False

    def matches(self, folder: Path) -> bool:
        return bool(_tables(Files(folder)))

    def read(self, folder: Path) -> Reading:
        """Read a row for each annotated task. Raises DataError with everything that is wrong with
        the file as a whole; a wrong rectangle is a problem of its picture's row."""
        files, problems = Files(folder), list[str]()
        tables = _tables(files)
        rows = [row for name in tables for row in _rows(files, name, problems)]
        first: dict[str, Row] = {}
        twice = [row for row in rows if first.setdefault(row.file, row) is not row]
        problems += [
            f"{row.place}: '{row.file}' is in {first[row.file].place}, too." for row in twice
        ]
        refuse(problems, f"Correct {few(tables)}, or export it again.")
        rows.sort(key=lambda row: row.file)
        used = {*tables, *first}
        ignored = tuple(name for name in files.names if name not in used)
        return Reading(tuple(rows), {name: name for name in tables}, ignored)


def _tables(files: Files) -> list[str]:
    return [
        name
        for name in files.ending(".json")
        if mentions(files.folder / name, b'"rectanglelabels"', b'"result"', b'"data"')
    ]


def _rows(files: Files, name: str, problems: list[str]) -> list[Row]:
    tasks = json_of(files.folder, name)
    if not isinstance(tasks, list):
        problems.append(f"{name}: it is not a list of tasks; export it as JSON, not as JSON-MIN.")
        return []
    rows = []
    for index, task in enumerate(tasks):
        data = task.get("data") if isinstance(task, dict) else None
        if not isinstance(data, dict) or not isinstance(task.get("annotations"), list):
            problems.append(f"{name}, [{index}]: it has no data or no list of annotations.")
            continue
        place = f"{name}, [{index}] (id {task.get('id')})"
        file = _picture(files, data)
        if not file:
            called = data.get("image", next(iter(data.values()), ""))
            problems.append(f"{place}: there is no picture '{called}' in the folder.")
        elif annotation := _counting(task["annotations"]):
            rows.append(_row(files, file, place, annotation, group_in(data)))
    return rows


def _picture(files: Files, data: Mapping[str, Any]) -> str:
    """The picture that `data` means: its "image", else the first value that names one."""
    for called in (data.get("image"), *data.values()):
        found = files.find(called, ("images",)) if isinstance(called, str) else []
        if len(found) == 1 and found[0] in files.pictures():
            return found[0]
    return ""


def _counting(annotations: list[Any]) -> Mapping[str, Any] | None:
    done = [
        annotation
        for annotation in annotations
        if isinstance(annotation, dict) and not annotation.get("was_cancelled")
    ]
    truth = [annotation for annotation in done if annotation.get("ground_truth")]
    return next(iter(truth or done[::-1]), None)


def _row(files: Files, file: str, place: str, annotation: Mapping[str, Any], group: str) -> Row:
    results = annotation.get("result")
    shapes = [
        (f"{place}, result[{index}] (id {result.get('id')})", result)
        for index, result in enumerate(results if isinstance(results, list) else [])
        if isinstance(result, dict) and result.get("type") == "rectanglelabels"
    ]
    size, first = size_of(files.folder / file), shapes[0][1] if shapes else {}
    read = [_box(where, shape, size or (1, 1)) for where, shape in shapes]
    wrong = [outcome for outcome in read if isinstance(outcome, str)]
    return Row(
        file,
        split=split_of(file),
        group=group,
        boxes=()
        if wrong or not size
        else tuple(outcome for outcome in read if isinstance(outcome, Box)),
        place=place,
        places=tuple(where for where, _ in shapes),
        size=checked_size(first.get("original_width"), first.get("original_height")),
        problem="; ".join(wrong[:2]),
    )


def _box(place: str, shape: Mapping[str, Any], size: tuple[int, int]) -> Box | str:
    """The box around a rectangle, in pixels; or what is wrong with it."""
    value = shape.get("value")
    value = value if isinstance(value, dict) else {}
    sides, labels = [value.get(side) for side in SIDES], value.get("rectanglelabels")
    if not isinstance(labels, list) or len(labels) != 1 or not str(labels[0]).strip():
        return f"{place}: it has {labels!r} instead of one label"
    rotation = value.get("rotation") or 0
    if not are_numbers([*sides, rotation]):
        return f"{place}: x, y, width, height are {sides!r}, rotation {rotation!r}: not numbers"
    x, y, width, height = (float(side or 0) / 100 for side in sides)
    if width <= 0 or height <= 0:
        return f"{place}: its box is {100 * width:g} % wide and {100 * height:g} % high"
    turn = np.radians(float(rotation))  # clockwise about its first corner
    cosine, sine = float(np.cos(turn)), float(np.sin(turn))
    wide, high = width * size[0], height * size[1]
    across = [x * size[0] + step for step in (0, wide * cosine, -high * sine)]
    across.append(x * size[0] + wide * cosine - high * sine)
    down = [y * size[1] + step for step in (0, wide * sine, high * cosine)]
    down.append(y * size[1] + wide * sine + high * cosine)
    corners = (min(across), min(down), max(across), max(down))
    return Box(str(labels[0]).strip(), *(round(corner, 4) for corner in corners))
