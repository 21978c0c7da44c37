"""COCO: a JSON with images, annotations and categories (T.-Y. Lin et al., Microsoft COCO, 2014)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from stages.artifacts import Box
from stages.etl.readers import Reading, Row, few
from stages.etl.readers.boxes import are_numbers, checked_size, group_in
from stages.etl.readers.files import Files, json_of, mentions, refuse, split_in, split_of

KEYS = ("images", "annotations", "categories")
Entry = tuple[str, Mapping[str, Any]]  # its place in the file, its content


class Coco:
    """Reads one JSON, or one for each split: train.json, train/_annotations.coco.json,
    annotations/instances_train2017.json. An image's key `group` names its group."""

    loose: ClassVar[bool] = False

    def matches(self, folder: Path) -> bool:
        return bool(_tables(Files(folder)))

    def read(self, folder: Path) -> Reading:
        """Read a row for each image; images without annotations are negatives. Boxes of crowds are
        left out.

        Raises DataError with everything that is wrong with the files as a whole; a wrong box is a
        problem of its picture's row."""
        files = Files(folder)
        tables = _tables(files)
        parts = [_Part(table, files) for table in tables]
        rows = [row for part in parts for row in part.rows()]
        problems = [problem for part in parts for problem in part.problems]
        refuse([*problems, *_twice(rows)], f"Correct {few(tables)} and add it again.")
        rows = _divided(rows)
        rows.sort(key=lambda row: row.file)
        used = {*tables, *(row.file for row in rows)}
        ignored = tuple(name for name in files.names if name not in used)
        return Reading(tuple(rows), {name: name for name in tables}, ignored)


def _tables(files: Files) -> list[str]:
    found = [
        name
        for name in files.ending(".json")
        if mentions(files.folder / name, b'"images"', b'"annotations"')
    ]
    instances = [name for name in found if PurePosixPath(name).name.startswith("instances")]
    return instances or found  # captions and keypoints of the same images are beside instances


def _divided(rows: list[Row]) -> list[Row]:
    """`rows`, without their split if all have the same: a single file such as
    instances_val2017.json does not define splits."""
    return (
        rows if len({row.split for row in rows}) > 1 else [replace(row, split="") for row in rows]
    )


def _twice(rows: list[Row]) -> list[str]:
    places = defaultdict(list)
    for row in rows:
        places[row.file].append(row.place)
    return [
        f"'{file}' is there more than once: {', '.join(found)}."
        for file, found in places.items()
        if len(found) > 1
    ]


@dataclass
class _Part:
    """One of the folder's COCO files. `problems` is filled while its rows are read."""

    table: str
    files: Files
    problems: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        record = json_of(self.files.folder, self.table)
        sections = record if isinstance(record, dict) else {}
        lacking = [key for key in KEYS if not isinstance(sections.get(key), list)]
        if lacking:
            self.problems.append(f"{self.table}: there is no list of {' and of '.join(lacking)}.")
            return
        labels = self._labels(record)
        images = {image["id"]: (place, image) for place, image in self._by_id(record, "images")}
        notes = self._annotations(record, images)
        for number, (place, image) in images.items():
            row = self._row(place, image, notes[number], labels)
            if row:
                yield row

    def _by_id(self, record: Mapping[str, Any], key: str) -> Iterator[Entry]:
        """The entries of a list with their places; each needs a unique id."""
        places: dict[Any, str] = {}
        for index, entry in enumerate(record[key]):
            number = entry.get("id") if isinstance(entry, dict) else None
            place = f"{self.table}, {key}[{index}]"
            if not isinstance(number, int | str):
                self.problems.append(f"{place} has no id.")
            elif number in places:
                self.problems.append(
                    f"{place}: the id {number!r} is that of {places[number]}, too."
                )
            else:
                places[number] = f"{key}[{index}]"
                yield f"{place} (id {number})", entry

    def _labels(self, record: Mapping[str, Any]) -> dict[Any, str]:
        found = {}
        for place, category in self._by_id(record, "categories"):
            name = category.get("name")
            if isinstance(name, str) and name.strip():
                found[category["id"]] = name.strip()
            else:
                self.problems.append(f"{place} has no name.")
        return found

    def _annotations(
        self, record: Mapping[str, Any], images: Mapping[Any, Entry]
    ) -> dict[Any, list[Entry]]:
        """The annotations of each image, by its id."""
        found: dict[Any, list[Entry]] = defaultdict(list)
        for index, annotation in enumerate(record["annotations"]):
            of = annotation.get("image_id") if isinstance(annotation, dict) else None
            suffix = (
                f" (id {annotation['id']})"
                if isinstance(annotation, dict) and "id" in annotation
                else ""
            )
            place = f"{self.table}, annotations[{index}]{suffix}"
            if not isinstance(of, int | str) or of not in images:
                self.problems.append(f"{place}: there is no image with the id {of!r}.")
            else:
                found[of].append((place, annotation))
        return found

    def _row(
        self, place: str, image: Mapping[str, Any], notes: list[Entry], labels: Mapping[Any, str]
    ) -> Row | None:
        called = image.get("file_name")
        found = self.files.find(called, _near(self.table)) if isinstance(called, str) else []
        if len(found) != 1:
            self.problems.append(f"{place}: {_why(called, found)}.")
            return None
        crowds = [annotation for _, annotation in notes if annotation.get("iscrowd") in (1, True)]
        single = [
            (where, annotation)
            for where, annotation in notes
            if annotation.get("iscrowd") not in (1, True)
        ]
        wrong = [
            text
            for text in (_wrong(where, annotation, labels) for where, annotation in single)
            if text
        ]
        return Row(
            found[0],
            split=split_in(PurePosixPath(self.table).stem) or split_of(self.table),
            group=group_in(image),
            boxes=() if wrong else tuple(_box(annotation, labels) for _, annotation in single),
            place=place,
            places=tuple(where for where, _ in single),
            size=checked_size(image.get("width"), image.get("height")),
            skipped_boxes=len(crowds),
            problem="; ".join(wrong[:2]),
        )


def _near(table: str) -> list[str]:
    """The folders in which the pictures of `table` usually are: beside it, or named by a part of
    its name."""
    home = PurePosixPath(table).parent
    places = [home, home / "images", home.parent, home.parent / "images"]
    parts = PurePosixPath(table).stem.split("_")
    return [str(path) for path in (*places, *(place / part for place in places for part in parts))]


def _why(called: Any, found: list[str]) -> str:
    if found:
        return f"'{called}' may be any of {few(found)}"
    return f"there is no file '{called}'" if isinstance(called, str) else "it has no file_name"


def _wrong(place: str, annotation: Mapping[str, Any], labels: Mapping[Any, str]) -> str:
    """What is wrong with an annotation, or ''."""
    category, sides = annotation.get("category_id"), annotation.get("bbox")
    if not isinstance(category, int | str) or category not in labels:
        return f"{place}: there is no category with the id {category!r}"
    if not isinstance(sides, list) or len(sides) != 4 or not are_numbers(sides):
        return f"{place}: bbox is {sides!r}, not four numbers"
    if sides[2] <= 0 or sides[3] <= 0:
        return f"{place}: its box is {sides[2]:g} wide and {sides[3]:g} high"
    return ""


def _box(annotation: Mapping[str, Any], labels: Mapping[Any, str]) -> Box:
    left, top, width, height = (float(side) for side in annotation["bbox"])
    return Box(labels[annotation["category_id"]], left, top, left + width, top + height)
