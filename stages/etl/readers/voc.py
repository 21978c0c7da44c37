"""Pascal VOC: an XML for each picture (M. Everingham et al., The Pascal VOC Challenge, 2010)."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

from stages.artifacts import Box
from stages.etl.readers import SPLITS, Reading, Row, few
from stages.etl.readers.boxes import is_whole
from stages.etl.readers.files import PICTURES, Files, bytes_of, refuse, split_of, text_of
from stages.etl.readers.xml_tree import Element, parsed
from stages.runtime.errors import DataError

HEAD = 65_536  # bytes in which <annotation must occur
CORNERS = ("xmin", "ymin", "xmax", "ymax")


class Voc:
    """Reads Annotations/ beside JPEGImages/, with ImageSets/Main/train.txt and so on for splits, or
    each XML beside its picture. Pictures without an XML are left out."""

    loose: ClassVar[bool] = False

    def matches(self, folder: Path) -> bool:
        return any(_is_annotation(folder / name) for name in Files(folder).ending(".xml"))

    def read(self, folder: Path) -> Reading:
        """Read a row for each XML; one without objects is a negative.

        Pixels are counted from 1, as in VOC, unless some box begins at 0. Raises DataError with
        everything that is wrong with the files as a whole; a wrong box is a problem of its
        picture's row."""
        files = Files(folder)
        tables = [name for name in files.ending(".xml") if _is_annotation(folder / name)]
        problems: list[str] = []
        read = [(name, _tree(folder, name, problems)) for name in tables]
        trees = [(name, tree) for name, tree in read if tree is not None]
        first = 0 if any(_begins_at_nought(tree) for _, tree in trees) else 1
        sets = _sets(files)
        rows = [row for name, tree in trees if (row := _row(name, tree, files, first, problems))]
        refuse([*problems, *_shared(rows)], "Correct them and add the folder again.")
        rows = [_with_split(row, sets) for row in rows]
        rows.sort(key=lambda row: row.file)
        annotation_files = {name: name for name in (*tables, *_set_files(files))}
        used = {*annotation_files, *(row.file for row in rows)}
        return Reading(
            tuple(rows), annotation_files, tuple(name for name in files.names if name not in used)
        )


def _is_annotation(path: Path) -> bool:
    with path.open("rb") as data:
        return b"<annotation" in data.read(HEAD)


def _tree(folder: Path, name: str, problems: list[str]) -> Element | None:
    try:
        tree = parsed(bytes_of(folder, name), name)
    except DataError as error:
        problems.append(error.problem)
        return None
    if tree.name == "annotation":
        return tree
    problems.append(f"{name}, line {tree.line}: it is <{tree.name}>, not <annotation>.")
    return None


def _begins_at_nought(tree: Element) -> bool:
    boxes = (element.child("bndbox") for element in tree.children("object"))
    corners = (box.text(corner) for box in boxes if box for corner in CORNERS[:2])
    return any(re.fullmatch(r"0+(\.0*)?", corner) for corner in corners)


def _row(name: str, tree: Element, files: Files, first: int, problems: list[str]) -> Row | None:
    file = _picture(name, tree, files)
    if not file:
        problems.append(f"{name}: there is no picture '{tree.text('filename') or _stem(name)}'.")
        return None
    read = [_box(name, element, first) for element in tree.children("object")]
    wrong = [problem for problem in read if isinstance(problem, str)]
    return Row(
        file,
        split=split_of(name),
        boxes=() if wrong else tuple(box for box in read if isinstance(box, Box)),
        place=name,
        places=tuple(f"{name}, line {element.line}" for element in tree.children("object")),
        size=_size(tree),
        problem="; ".join(wrong[:2]),
    )


def _picture(name: str, tree: Element, files: Files) -> str:
    """The picture of the XML `name`: the one that it names, else the one with the same stem."""
    home = PurePosixPath(name).parent
    near = [
        str(home),
        *(str(home.parent / folder) for folder in ("JPEGImages", "images", "Images")),
    ]
    for called in (tree.text("filename"), *(f"{_stem(name)}{kind}" for kind in sorted(PICTURES))):
        found = files.find(called, near) if called else []
        if len(found) == 1 and PurePosixPath(found[0]).suffix.lower() in PICTURES:
            return found[0]
    return ""


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _box(name: str, element: Element, first: int) -> Box | str:
    """The box of an object, with edges between pixels; or what is wrong with it."""
    label, corners = element.text("name"), element.child("bndbox")
    place = f"{name}, line {element.line}"
    if not label:
        return f"{place}: the object has no name"
    if corners is None:
        return f"{place}: '{label}' has no bndbox"
    texts = [corners.text(corner) for corner in CORNERS]
    try:
        left, top, right, bottom = (float(text) for text in texts)
    except ValueError:
        return f"{place}: the corners of '{label}' are {', '.join(texts)}, not four numbers"
    left, top = left - first, top - first
    if not (right > left and bottom > top and max(map(abs, (left, top, right, bottom))) < 1e9):
        return f"{place}: the box of '{label}' is {right - left:g} wide and {bottom - top:g} high"
    return Box(label, left, top, right, bottom)


def _size(tree: Element) -> tuple[int, int] | None:
    size = tree.child("size")
    texts = [size.text("width"), size.text("height")] if size else []
    if not texts or not all(is_whole(text) and int(text) > 0 for text in texts):
        return None  # several tools write 0 there
    return int(texts[0]), int(texts[1])


def _set_files(files: Files) -> list[str]:
    return [
        name
        for name in files.ending(".txt")
        if "/ImageSets/Main/" in f"/{name}" and _stem(name) in (*SPLITS, "trainval")
    ]


def _sets(files: Files) -> dict[str, str]:
    """The split of each picture that ImageSets/Main names, by its stem."""
    found: dict[str, str] = {}
    for name in sorted(_set_files(files), key=lambda name: _stem(name) != "trainval"):
        split = SPLITS.get(_stem(name), "train")
        found |= {line.split()[0]: split for line in _lines(files.folder, name)}
    return found


def _lines(folder: Path, name: str) -> Iterable[str]:
    return [line for line in text_of(folder, name).splitlines() if line.strip()]


def _with_split(row: Row, sets: dict[str, str]) -> Row:
    return replace(row, split=sets.get(_stem(row.file), "")) if sets else row


def _shared(rows: list[Row]) -> list[str]:
    first: dict[str, Row] = {}
    pairs = [(row, first.setdefault(row.file, row)) for row in rows]
    twice = [f"{other.place} and {row.place}" for row, other in pairs if row is not other]
    return [f"Two XMLs describe one picture: {few(twice)}."] if twice else []
