"""CVAT's own XML: one file with an <image> for each picture (docs.cvat.ai, "CVAT for images")."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from stages.etl.readers import SPLITS, Reading, Row, few
from stages.etl.readers.boxes import checked_size
from stages.etl.readers.files import PICTURES, Files, bytes_of, refuse, split_of
from stages.etl.readers.rows import repeated
from stages.etl.readers.shapes import (
    POLYGON,
    ROTATED,
    DrawnShape,
    Tally,
    around,
    drawn,
    turned,
    unusable,
)
from stages.etl.readers.xml_tree import Element, has_root, parsed
from stages.runtime.errors import DataError
from stages.runtime.neutral import is_number

EDGES = ("xtl", "ytl", "xbr", "ybr")
UNREAD = ("polyline", "points", "ellipse", "mask", "cuboid", "skeleton")


class Cvat:
    """Reads "CVAT for images" beside the pictures, with an image's subset as its split. A rotated
    box or a polygon becomes the box around it; an image without shapes is a negative."""

    loose: ClassVar[bool] = False

    def matches(self, files: Files) -> bool:
        return bool(_tables(files))

    def read(self, files: Files) -> Reading:
        """Read a row for each image. Raises DataError with everything that is wrong with the files
        as a whole; a wrong shape is a problem of its picture's row."""
        tally, problems = Tally(), list[str]()
        tables = _tables(files)
        rows = [row for name in tables for row in _rows(files, name, tally, problems)]
        refuse([*problems, *repeated(rows)], f"Correct {few(tables)} and add the folder again.")
        rows.sort(key=lambda row: row.file)
        return files.reading(rows, tables, tally.notes())


def _tables(files: Files) -> list[str]:
    return [name for name in files.ending(".xml") if has_root(files.folder / name, "annotations")]


def _rows(files: Files, name: str, tally: Tally, problems: list[str]) -> Iterator[Row]:
    try:
        tree = parsed(bytes_of(files.folder, name), name)
    except DataError as error:
        problems.append(error.problem)
        return
    if tracks := tree.children("track"):
        problems.append(
            f"{name}, line {tracks[0].line}: it has tracks, so it is 'CVAT for video', which is "
            "not read. Export it as 'CVAT for images'."
        )
        return
    for image in tree.children("image"):
        place, called = f"{name}, line {image.line}", image.attributes.get("name", "")
        found = [file for file in files.find(called, _near(name)) if _is_picture(file)]
        if len(found) == 1:
            yield _row(files, found[0], place, name, image, tally)
        else:
            several = f"'{called}' may be any of {few(found)}"
            problem = several if found else f"there is no picture '{called}'"
            problems.append(f"{place}: {problem}.")


def _row(files: Files, file: str, place: str, name: str, image: Element, tally: Tally) -> Row:
    shapes = [shape for element in image.inside if (shape := _shape(name, element))]
    outcome = tally.outcome(shapes, file)
    subset = image.attributes.get("subset", "").lower()
    return Row(
        file,
        split=SPLITS.get(subset, "") or split_of(file),
        boxes=outcome.boxes,
        place=place,
        places=outcome.places,
        size=checked_size(image.attributes.get("width"), image.attributes.get("height")),
        problem=outcome.problem,
    )


def _near(name: str) -> list[str]:
    home = name.rpartition("/")[0]
    return [home, f"{home}/images".lstrip("/")]


def _is_picture(name: str) -> bool:
    return f".{name.lower().rpartition('.')[2]}" in PICTURES


def _shape(name: str, element: Element) -> DrawnShape | None:
    """The shape of `element`; None if it is a tag of the whole picture."""
    place, label = f"{name}, line {element.line}", element.attributes.get("label", "").strip()
    if element.name in UNREAD:
        return unusable(place, f"'{label}' is a <{element.name}>, which is not read")
    if element.name not in ("box", "polygon"):
        return None
    if not label:
        return unusable(place, f"the {element.name} has no label")
    read = _box if element.name == "box" else _polygon
    found = read(element.attributes)
    if found is None:
        return unusable(place, f"the corners of '{label}' are not numbers")
    is_turned = element.attributes.get("rotation", "0").strip("0.") != ""
    kind = POLYGON if element.name == "polygon" else ROTATED if is_turned else ""
    return drawn(place, label, found, kind, f"the box of '{label}'")


def _box(attributes: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    """The box around a box, which may be turned clockwise about its middle."""
    texts = [attributes.get(edge, "") for edge in EDGES]
    degrees = attributes.get("rotation", "0")
    if not all(map(is_number, [*texts, degrees])):
        return None
    left, top, right, bottom = map(float, texts)
    if not float(degrees):
        return left, top, right, bottom
    middle = ((left + right) / 2, (top + bottom) / 2)
    return around(turned((left, top, right - left, bottom - top), float(degrees), middle))


def _polygon(attributes: Mapping[str, str]) -> tuple[float, float, float, float] | None:
    """The box around a polygon, whose points are written as x,y;x,y."""
    points = [point.split(",") for point in attributes.get("points", "").split(";")]
    if not all(len(point) == 2 and all(map(is_number, point)) for point in points):
        return None
    return around([(float(x), float(y)) for x, y in points])
