"""COCO: a JSON with images, annotations and categories (T.-Y. Lin et al., Microsoft COCO, 2014)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, ClassVar

from stages.etl.readers import Reading, Row, few
from stages.etl.readers.boxes import checked_size, group_in, whole
from stages.etl.readers.coco_shapes import Scale, in_shares, numbers_of, shape_of
from stages.etl.readers.files import Files, json_of, mentions, refuse, size_of, split_in, split_of
from stages.etl.readers.shapes import DrawnShape, Tally, are_shares, unusable

KEYS = ("images", "annotations", "categories")
Entry = tuple[str, Mapping[str, Any]]  # its place in the file, its content


class Coco:
    """Reads one JSON, or one for each split: train.json, train/_annotations.coco.json,
    annotations/instances_train2017.json. An image's key `group` names its group."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        return bool(_tables(files))

    def read(self, files: Files) -> Reading:
        """Read a row for each image; images without annotations are negatives. Boxes of crowds are
        left out; a polygon without bbox becomes the box around it.

        Raises DataError with everything that is wrong with the files as a whole; a wrong box is a
        problem of its picture's row."""
        tally, tables = Tally(), _tables(files)
        parts = [_Part(table, files, tally) for table in tables]
        rows = [row for part in parts for row in part.rows()]
        problems = [problem for part in parts for problem in part.problems]
        refuse([*problems, *_twice(rows)], f"Correct {few(tables)} and add it again.")
        rows = _divided(rows)
        rows.sort(key=lambda row: row.file)
        notes = (*tally.notes(), *(note for part in parts for note in part.notes))
        return files.reading(rows, tables, notes)


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


class _ById:
    """Entries by id. An id that another list writes in another way, "1" or 1.0 for 1, is found by
    its value; `converted` counts these."""

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        self._ids = {number: number for number in entries}
        self._by_value: dict[str, list[Any]] = defaultdict(list)
        for number in entries:
            self._by_value[_value(number)].append(number)
        self.converted = 0

    def find(self, number: Any) -> Any:
        """The id of the entry that `number` means; None if there is none, or several."""
        if not _is_id(number):
            return None
        same = [number] if number in self._ids else self._by_value.get(_value(number), [])
        if len(same) != 1:
            return None
        found = self._ids[same[0]]
        self.converted += type(found) is not type(number)
        return found


def _is_id(number: Any) -> bool:
    return isinstance(number, int | float | str) and not isinstance(number, bool)


def _value(number: Any) -> str:
    """An id as text; equal for 1, 1.0, "1", "1.0" and "001"."""
    text = str(number).strip()
    if not text.isdecimal():
        found = whole(number)
        return text if found is None else str(found)
    return text.lstrip("0") or "0"


@dataclass
class _Part:
    """One of the folder's COCO files. `problems` and `notes` are filled while its rows are read."""

    table: str
    files: Files
    tally: Tally
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[Row]:
        record = json_of(self.files.folder, self.table)
        sections = record if isinstance(record, dict) else {}
        lacking = [key for key in KEYS if not isinstance(sections.get(key), list)]
        if lacking:
            self.problems.append(f"{self.table}: there is no list of {' and of '.join(lacking)}.")
            return
        labels = self._labels(record)
        images = {image["id"]: (place, image) for place, image in self._by_id(record, "images")}
        categories = _ById(labels)
        found = self._annotations(record, _ById(images))
        scaled = self._has_shares([annotation for some in found.values() for _, annotation in some])
        for number, (place, image) in images.items():
            row = self._row(place, image, found[number], labels, categories, scaled)
            if row:
                yield row
        self._note_ids("categories", categories)

    def _by_id(self, record: Mapping[str, Any], key: str) -> Iterator[Entry]:
        """The entries of a list with their places; each needs a unique id."""
        places: dict[Any, str] = {}
        for index, entry in enumerate(record[key]):
            number = entry.get("id") if isinstance(entry, dict) else None
            place = f"{self.table}, {key}[{index}]"
            if not _is_id(number):
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
            name = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
            if isinstance(name, str) and name.strip():
                found[category["id"]] = name.strip()
            else:
                self.problems.append(f"{place} has no name.")
        twice = [name for name, count in Counter(found.values()).items() if count > 1]
        if twice:
            self.notes.append(f"{self.table}: several categories are called {few(twice)}")
        return found

    def _annotations(self, record: Mapping[str, Any], images: _ById) -> dict[Any, list[Entry]]:
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
            image = images.find(of)
            if image is None:
                self.problems.append(f"{place}: there is no image with the id {of!r}.")
            else:
                found[image].append((place, annotation))
        self._note_ids("images", images)
        return found

    def _note_ids(self, key: str, ids: _ById) -> None:
        if ids.converted:
            subject = "annotation writes" if ids.converted == 1 else "annotations write"
            self.notes.append(
                f"{self.table}: {ids.converted} {subject} an id "
                f"in another way than the list of {key}, such as '1' or 1.0 for 1; matched by value"
            )

    def _has_shares(self, annotations: list[Mapping[str, Any]]) -> bool:
        """Whether the file's numbers are shares of the pictures; a problem if it cannot be told
        whether they begin at the left top or at the middle of a box."""
        if not in_shares(annotations):
            return False
        boxes = [numbers for numbers in numbers_of(annotations) if len(numbers) == 4]
        ends = (side for x, y, wide, high in boxes for side in (x + wide, y + high))
        if not are_shares(ends):
            self.problems.append(
                f"{self.table}: its boxes are shares of the picture from 0 to 1, not pixels, and "
                "some end beyond its edge: bbox begins at the left top, not at the middle."
            )
        return True

    def _row(
        self,
        place: str,
        image: Mapping[str, Any],
        found: list[Entry],
        labels: Mapping[Any, str],
        categories: _ById,
        scaled: bool,
    ) -> Row | None:
        called = image.get("file_name")
        named = self.files.find(called, _near(self.table)) if isinstance(called, str) else []
        if len(named) != 1:
            self.problems.append(f"{place}: {_why(called, named)}.")
            return None
        single = [entry for entry in found if entry[1].get("iscrowd") not in (1, True)]
        scale = (size_of(self.files.folder / named[0]) or (1, 1)) if scaled and single else None
        shapes = [_shape(entry, labels, categories, scale) for entry in single]
        outcome = self.tally.outcome(shapes, named[0])
        return Row(
            named[0],
            split=split_in(PurePosixPath(self.table).stem) or split_of(self.table),
            group=group_in(image),
            boxes=outcome.boxes,
            place=place,
            places=outcome.places,
            size=checked_size(image.get("width"), image.get("height")),
            skipped_boxes=len(found) - len(single),
            problem=outcome.problem,
        )


def _shape(
    entry: Entry, labels: Mapping[Any, str], categories: _ById, scale: Scale | None
) -> DrawnShape:
    place, annotation = entry
    category = categories.find(annotation.get("category_id"))
    if category is None:
        number = annotation.get("category_id")
        return unusable(place, f"there is no category with the id {number!r}")
    return shape_of(place, annotation, labels[category], scale)


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
