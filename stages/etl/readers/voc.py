"""Pascal VOC: an XML for each picture (M. Everingham et al., The Pascal VOC Challenge, 2010)."""

import re
import unicodedata
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import ClassVar

from stages.etl.readers import Reading, Row, few
from stages.etl.readers.boxes import checked_size
from stages.etl.readers.files import PICTURES, Files, bytes_of, refuse, split_of
from stages.etl.readers.shapes import Tally
from stages.etl.readers.voc_shapes import CORNERS, shape_of
from stages.etl.readers.written_splits import Listed, WrittenSplits, add_list, settled, split_called
from stages.etl.readers.xml_tree import Element, has_root, parsed
from stages.runtime.errors import DataError

NOUGHT = re.compile(r"0+(\.0*)?")
FOLDERS = ("JPEGImages", "images", "Images")
ANNOTATED = ("annotations", "annotation", "xmls", "xml", "labels")


class Voc:
    """Reads Annotations/ beside JPEGImages/, with ImageSets/Main/train.txt and so on for splits, or
    each XML beside its picture. Pictures without an XML are left out."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        return any(_is_annotation(files, name) for name in files.ending(".xml"))

    def read(self, files: Files) -> Reading:
        """Read a row for each XML; one without objects is a negative.

        Pixels are counted from 1, as in VOC, unless some box begins at 0. Raises DataError with
        everything that is wrong with the files as a whole; a wrong box is a problem of its
        picture's row."""
        tally = Tally()
        tables = [name for name in files.ending(".xml") if _is_annotation(files, name)]
        problems: list[str] = []
        read = [(name, _tree(files.folder, name, problems)) for name in tables]
        trees = [(name, tree) for name, tree in read if tree is not None]
        first = 0 if any(_begins_at_nought(tree) for _, tree in trees) else 1
        found = [_row(name, tree, files, first, problems, tally) for name, tree in trees]
        rows = sorted((row for row in found if row), key=lambda row: row.file)
        sets = _sets(files, rows)
        refuse(
            [*problems, *_shared(rows), *sets.problems], "Correct them and add the folder again."
        )
        if sets.of:
            rows = [replace(row, split=sets.of.get(row.file, "")) for row in rows]
        tables += _set_files(files)
        return files.reading(rows, tables, (*tally.notes(), *sets.notes))


def _is_annotation(files: Files, name: str) -> bool:
    return has_root(files.folder / name, "annotation")


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
    """Whether a box begins at pixel 0; an empty one, of noughts only, does not count."""
    boxes = (element.child("bndbox") for element in tree.children("object"))
    texts = ([box.text(corner) for corner in CORNERS] for box in boxes if box)
    return any(
        any(map(NOUGHT.fullmatch, corners[:2])) and not all(map(NOUGHT.fullmatch, corners))
        for corners in texts
    )


def _row(
    name: str, tree: Element, files: Files, first: int, problems: list[str], tally: Tally
) -> Row | None:
    file = _picture(name, tree, files, problems)
    if not file:
        return None
    shapes = [shape_of(name, element, first) for element in tree.children("object")]
    outcome = tally.outcome(shapes, name)
    return Row(
        file,
        split=split_of(name),
        boxes=outcome.boxes,
        place=name,
        places=outcome.places,
        size=_size(tree),
        problem=outcome.problem,
    )


def _picture(name: str, tree: Element, files: Files, problems: list[str]) -> str:
    """The picture of the XML `name`: the one that it names, else the one with the same stem.

    If both are there and differ, one of the two witnesses is wrong: a problem, and ''."""
    called, own = tree.text("filename"), _own(name, files)
    named = [file for file in files.find(called, _near(name)) if _is_picture(file)]
    if len(named) == 1 and own and _plain_stem(named[0]) != _plain_stem(own[0]):
        problems.append(
            f"{name}: <filename> says '{called}', and the XML is named after '{own[0]}'; both are "
            "there. Correct <filename>, or name the XML after its picture."
        )
    elif len(named) == 1:
        return named[0]
    elif len(own) == 1:
        return own[0]
    elif several := own or named:
        problems.append(f"{name}: its picture may be any of {few(several)}.")
    else:
        problems.append(f"{name}: there is no picture '{called or _stem(name)}'.")
    return ""


def _own(name: str, files: Files) -> list[str]:
    """The pictures that are called as the XML `name` is; none if it is unclear in which folder."""
    stem = _stem(name)
    kinds = ("", *sorted(PICTURES)) if PurePosixPath(stem).suffix.lower() in PICTURES else PICTURES
    for folder in _near(name):
        found = [file for kind in sorted(kinds) for file in files.at(f"{folder}/{stem}{kind}")]
        if found := [file for file in dict.fromkeys(found) if _is_picture(file)]:
            return found
    return [file for kind in sorted(kinds) for file in files.find(f"{stem}{kind}")
            if _is_picture(file)]  # fmt: skip


def _near(name: str) -> list[str]:
    """The folders in which the picture of the XML `name` usually is: its own, or JPEGImages or
    images in the place of Annotations."""
    home = PurePosixPath(name).parent
    places = [str(home), *(str(home.parent / folder) for folder in FOLDERS)]
    at = [index for index, part in enumerate(home.parts) if part.lower() in ANNOTATED]
    for index in at[-1:]:
        above, below = home.parts[:index], home.parts[index + 1 :]
        places += ["/".join([*above, folder, *below]) for folder in FOLDERS]
    return list(dict.fromkeys(places))


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in PICTURES


def _plain_stem(name: str) -> str:
    return unicodedata.normalize("NFC", _stem(name)).casefold()


def _stem(name: str) -> str:
    """The file's name without its suffix, also if that is there twice, as in a.xml.xml."""
    path = PurePosixPath(name)
    return PurePosixPath(path.stem).stem if path.stem.lower().endswith(".xml") else path.stem


def _size(tree: Element) -> tuple[int, int] | None:
    size = tree.child("size")
    return checked_size(size.text("width"), size.text("height")) if size else None


def _set_files(files: Files) -> list[str]:
    return [
        name
        for name in files.ending(".txt")
        if "/imagesets/main/" in f"/{name.lower()}"
        and (split_called(name) or _stem(name) == "trainval")
    ]


def _sets(files: Files, rows: list[Row]) -> WrittenSplits:
    """The split of each picture by ImageSets/Main. What trainval has and train and val lack is of
    train."""
    found: dict[str, Listed] = {}
    for name in sorted(_set_files(files), key=lambda name: _stem(name) == "trainval"):
        listed = Listed()
        add_list(files, name, listed)
        if _stem(name) == "trainval":
            for split in found.keys() & {"train", "validation"}:
                for picture in found[split].pictures:
                    listed.pictures.pop(picture, None)
        target = found.setdefault(split_called(name) or "train", Listed())
        target.pictures |= listed.pictures
        target.missing += listed.missing
    return (
        settled(found, [row.file for row in rows], "ImageSets/Main") if found else WrittenSplits({})
    )


def _shared(rows: list[Row]) -> list[str]:
    first: dict[str, Row] = {}
    pairs = [(row, first.setdefault(row.file, row)) for row in rows]
    twice = [f"{other.place} and {row.place}" for row, other in pairs if row is not other]
    return [f"Two XMLs describe one picture: {few(twice)}."] if twice else []
