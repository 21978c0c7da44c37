"""YOLO: a txt for each picture, a line for each box: class x y width height, as shares of the
picture (J. Redmon's darknet; docs.ultralytics.com/datasets/detect)."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from stages.artifacts import Box
from stages.etl.readers import Reading, Row
from stages.etl.readers.boxes import ROUNDING, is_whole
from stages.etl.readers.files import Files, refuse, size_of, split_of, text_of
from stages.runtime.errors import DataError
from stages.runtime.neutral import is_number

FIELDS = 5


class Yolo:
    """Reads images/ beside labels/, above or below train, val and test, or each txt beside its
    picture; the labels' names are in data.yaml, classes.txt or obj.names. A picture without a txt
    is a negative."""

    loose: ClassVar[bool] = False

    def matches(self, folder: Path) -> bool:
        files = Files(folder)
        return any(_is_label_file(folder / text) for _, text in _pairs(files))

    def read(self, folder: Path) -> Reading:
        """Read a row for each picture; boxes are shares of the size of the upright picture.

        Raises DataError if there are no names; a wrong line is a problem of its picture's row."""
        files = Files(folder)
        table, labels = _names(files)
        pairs = dict(_pairs(files))
        label_files = set(pairs.values())
        homes = {str(PurePosixPath(picture).parent) for picture in pairs}
        pictures = [
            picture for picture in files.pictures() if str(PurePosixPath(picture).parent) in homes
        ]
        rows = [
            _row(folder, picture, pairs.get(picture, ""), labels) for picture in sorted(pictures)
        ]
        annotation_files = {name: name for name in (table, *sorted(label_files))}
        used = {*annotation_files, *pictures}
        return Reading(
            tuple(rows), annotation_files, tuple(name for name in files.names if name not in used)
        )


def _pairs(files: Files) -> Iterator[tuple[str, str]]:
    """Yield each picture that has a txt, with its txt."""
    there = set(files.names)
    for picture in files.pictures():
        for text in _texts(picture):
            if text in there:
                yield picture, text
                break


def _texts(picture: str) -> list[str]:
    """The possible paths of the txt of `picture`: in labels/ if it is in images/, or beside it."""
    path = PurePosixPath(picture).with_suffix(".txt")
    parts = list(path.parts)
    found = [str(path)]
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[:-1][::-1].index("images")
        found.insert(0, "/".join([*parts[:last], "labels", *parts[last + 1 :]]))
    return found


def _is_label_file(text: Path) -> bool:
    """Whether the first line that is not empty has a class and four numbers."""
    with text.open("rb") as data:
        head = data.read(4096).decode(errors="replace").split("\n")
    fields = next((line.split() for line in head if line.strip()), [])
    return len(fields) >= FIELDS and fields[0].isdecimal() and all(map(is_number, fields[1:]))


def _names(files: Files) -> tuple[str, dict[int, str]]:
    """The file that names the labels, and each class's label. Raises DataError if there is none."""
    for name in sorted(files.ending(".yaml", ".yml"), key=_depth):
        names = _names_in_yaml(text_of(files.folder, name), name)
        if names:
            return name, _checked(name, names)
    lists = [
        name
        for name in sorted(files.ending(".txt", ".names"), key=_depth)
        if name.endswith(".names") or PurePosixPath(name).name in ("classes.txt", "labels.txt")
    ]
    if not lists:
        raise DataError(
            f"{files.folder.name} has boxes in YOLO's format, but no file names their classes.",
            "Write a classes.txt with one label a line, the label of class 0 first.",
        )
    lines = text_of(files.folder, lists[0]).splitlines()
    return lists[0], _checked(lists[0], dict(enumerate(lines)))


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name


def _names_in_yaml(text: str, name: str) -> dict[Any, Any]:
    from stages.config.safe_yaml import YamlProblem, parse_yaml

    try:
        record = parse_yaml(text).value
    except YamlProblem as error:
        line = f", line {error.line}" if error.line else ""
        raise DataError(
            f"{name}{line}: this is not YAML: {error.problem}.", "Correct it."
        ) from None
    names = record.get("names") if isinstance(record, dict) else None
    if isinstance(names, list):
        return dict(enumerate(names))
    return names if isinstance(names, dict) else {}


def _checked(name: str, names: dict[Any, Any]) -> dict[int, str]:
    """`names` by class number, without empty names. Raises DataError for invalid ones."""
    lists = [key for key, label in names.items() if not isinstance(label, str | int | float)]
    refuse([f"{name}: the name of class {key} is no text." for key in lists], f"Correct {name}.")
    labels = {key: str(label).strip() for key, label in names.items() if str(label).strip()}
    wrong = [f"{name}: '{key}' is not a class number." for key in labels if not _is_class(key)]
    counts = Counter(labels.values())
    wrong += [
        f"{name}: the label '{label}' is there {'twice' if count == 2 else f'{count} times'}."
        for label, count in sorted(counts.items())
        if count > 1
    ]
    refuse(wrong, f"Correct {name} and add the folder again.")
    return {int(key): label for key, label in labels.items()}


def _is_class(key: Any) -> bool:
    return is_whole(str(key))


def _row(folder: Path, picture: str, text: str, labels: dict[int, str]) -> Row:
    size = size_of(folder / picture)
    if not text or size is None:
        return Row(picture, split=split_of(picture), place=text or picture)
    lines = enumerate(text_of(folder, text).splitlines(), 1)
    numbered = [(number, line.split()) for number, line in lines if line.strip()]
    places = [f"{text}, line {number}" for number, _ in numbered]
    read = [_box(fields, labels, size) for _, fields in numbered]
    wrong = [f"{place}: {problem}" for place, problem in zip(places, read, strict=True)
             if isinstance(problem, str)]  # fmt: skip
    return Row(
        picture,
        split=split_of(picture),
        boxes=() if wrong else tuple(outcome for outcome in read if isinstance(outcome, Box)),
        place=text,
        places=tuple(places),
        problem="; ".join(wrong[:2]),
    )


def _box(fields: list[str], labels: dict[int, str], size: tuple[int, int]) -> Box | str:
    """The box of a line, in pixels; or what is wrong with it."""
    if len(fields) != FIELDS or not all(map(is_number, fields)):
        return f"'{' '.join(fields)[:60]}' is not a class and four numbers"
    if not _is_class(fields[0]) or int(fields[0]) not in labels:
        return f"class {fields[0]} has no name; there are {len(labels)}"
    x, y, width, height = (float(number) for number in fields[1:])
    if not all(0 <= number <= 1 + ROUNDING for number in (x, y, width, height)):
        return f"{' '.join(fields[1:])} are not shares from 0 to 1 of the picture"
    if width <= 0 or height <= 0:
        return f"the box is {width:g} wide and {height:g} high"
    across, down = size
    left, top = (x - width / 2) * across, (y - height / 2) * down
    corners = (left, top, left + width * across, top + height * down)
    return Box(labels[int(fields[0])], *(round(corner, 4) for corner in corners))
