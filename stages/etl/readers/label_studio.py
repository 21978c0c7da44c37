"""Label Studio's exports: tasks with annotations, their regions in percent of the picture
(labelstud.io/guide/export): JSON, JSON-MIN and CSV."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from stages.etl.readers import Reading, Row, few
from stages.etl.readers.boxes import checked_size, group_in
from stages.etl.readers.files import (
    MOST_BYTES,
    Files,
    json_of,
    mentions,
    refuse,
    size_of,
    split_of,
    text_of,
)
from stages.etl.readers.label_studio_shapes import REGIONS, is_region, shapes_of
from stages.etl.readers.rows import repeated
from stages.etl.readers.shapes import Tally
from stages.runtime.errors import DataError

MARKS = ((b'"result"', b'"data"'), (b'"annotation_id"', b'"annotator"'))  # JSON; JSON-MIN
COLUMNS = ("annotation_id", "annotator")


class ExportedTask(NamedTuple):
    """One task: where it is, its data, and the results of the annotation that counts; None if it
    has no annotation."""

    place: str
    data: Mapping[str, Any]
    results: list[Any] | None


class LabelStudio:
    """Reads the export beside the pictures, whatever URLs it has for them. Tasks without an
    annotation are left out; an annotation without regions makes a negative. Of several annotations
    of a task the ground truth is used, else the last one; a rotated rectangle or a polygon becomes
    the box around it."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        return bool(_tables(files))

    def read(self, files: Files) -> Reading:
        """Read a row for each annotated task. Raises DataError with everything that is wrong with
        the file as a whole; a wrong region is a problem of its picture's row."""
        problems, tally = list[str](), Tally()
        tables, pictures = _tables(files), frozenset(files.pictures())
        rows = []
        for task in (task for name in tables for task in _tasks(files, name, problems)):
            file = _picture(files, task.data, pictures)
            if not file:
                called = task.data.get("image", next(iter(task.data.values()), ""))
                problems.append(f"{task.place}: there is no picture '{called}' in the folder.")
            elif task.results is not None:
                rows.append(_row(files, file, task, tally))
        refuse([*problems, *repeated(rows)], f"Correct {few(tables)}, or export it again.")
        rows.sort(key=lambda row: row.file)
        return files.reading(rows, tables, tally.notes())


def _tables(files: Files) -> list[str]:
    """The exports in the folder that have regions; one with choices only is none of boxes."""
    found = []
    for name in files.ending(".json"):
        path = files.folder / name
        if any(mentions(path, *marks) for marks in MARKS) and _has_regions(path, '"{}"'):
            found.append(name)
    for name in files.ending(".csv", ".tsv"):
        path = files.folder / name
        if is_exported_table(path) and has_exported_regions(path):
            found.append(name)
    return found


def has_exported_regions(path: Path) -> bool:
    """Whether the table at `path`, which Label Studio exported, has boxes or polygons."""
    return _has_regions(path, '""{}""')


def _has_regions(path: Path, form: str) -> bool:
    return any(mentions(path, form.format(kind).encode()) for kind in sorted(REGIONS))


def is_exported_table(path: Path) -> bool:
    """Whether the CSV or TSV at `path` has the columns that Label Studio exports."""
    if path.stat().st_size > MOST_BYTES:
        return False
    with path.open("rb") as data:
        head = data.readline(65_536)
    return all(column.encode() in head for column in COLUMNS)


def _tasks(files: Files, name: str, problems: list[str]) -> Iterator[ExportedTask]:
    """Yield the tasks of an export of any form."""
    if name.lower().endswith((".csv", ".tsv")):
        yield from _of_table(files, name, problems)
        return
    tasks = json_of(files.folder, name)
    if not isinstance(tasks, list):
        problems.append(f"{name}: it is not a list of tasks; export it as JSON.")
        return
    for index, task in enumerate(tasks):
        place = f"{name}, [{index}]"
        if isinstance(task, dict) and "annotation_id" in task and "data" not in task:
            yield _of_flat(f"{place} (id {task.get('id')})", task)
        elif (
            not isinstance(task, dict)
            or not isinstance(task.get("data"), dict)
            or not isinstance(task.get("annotations"), list)
        ):
            problems.append(f"{place}: it has no data or no list of annotations.")
        else:
            annotation = _counting(task["annotations"])
            results = annotation.get("result") if annotation else None
            results = results if isinstance(results, list) or not annotation else []
            yield ExportedTask(f"{place} (id {task.get('id')})", task["data"], results)


def _of_flat(place: str, task: Mapping[str, Any]) -> ExportedTask:
    """A task of JSON-MIN: each tag is a key with the values of its results."""
    lists = [value for value in task.values() if isinstance(value, list)]
    values = [value for some in lists for value in some if isinstance(value, dict)]
    return ExportedTask(place, task, [_result(value) for value in values])


def _result(value: Mapping[str, Any]) -> dict[str, Any]:
    """A result as in the JSON export, for a `value` that has its type only as a key."""
    kinds = [key for key in value if key in REGIONS]
    shape = "rectangle" if "width" in value else "polygon" if "points" in value else ""
    sides = {key: value.get(key) for key in ("original_width", "original_height", "id")}
    return {**sides, "type": kinds[0] if kinds else shape, "value": value}


def _of_table(files: Files, name: str, problems: list[str]) -> Iterator[ExportedTask]:
    """Yield the tasks of a CSV export, whose fields have the values of results as JSON."""
    text = text_of(files.folder, name)
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    csv.field_size_limit(MOST_BYTES)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    try:
        for record in reader:
            place = f"{name}, line {reader.line_num}"
            yield _of_flat(place, {key: _field(value) for key, value in record.items() if key})
    except csv.Error as error:
        problems.append(f"{name}, line {reader.line_num}: {error}.")
    except DataError as error:
        problems.append(f"{name}, line {reader.line_num}: {error.problem}. {error.remedy}")


def _field(text: Any) -> Any:
    """The content of a field; JSON if it has results. Raises DataError for results that were cut
    off, as spreadsheets do with long fields."""
    if not isinstance(text, str) or not text.lstrip().startswith("["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if "original_width" in text:
            raise DataError("a field with results is not JSON", "Export it again.") from None
        return text


def _picture(files: Files, data: Mapping[str, Any], pictures: frozenset[str]) -> str:
    """The picture that `data` means: its "image", else the first value that names one."""
    for called in (data.get("image"), *data.values()):
        found = files.find(called, ("images",)) if isinstance(called, str) else []
        if len(found) == 1 and found[0] in pictures:
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


def _row(files: Files, file: str, task: ExportedTask, tally: Tally) -> Row:
    regions = [
        (f"{task.place}, result[{index}] (id {result.get('id')})", result)
        for index, result in enumerate(task.results or [])
        if is_region(result)
    ]
    size, first = size_of(files.folder / file), regions[0][1] if regions else {}
    outcome = tally.outcome(list(shapes_of(regions, size or (1000, 1000))), file)
    return Row(
        file,
        split=split_of(file),
        group=group_in(task.data),
        boxes=outcome.boxes if size else (),
        place=task.place,
        places=outcome.places,
        size=checked_size(first.get("original_width"), first.get("original_height")),
        problem=outcome.problem,
    )
