"""The shapes of Label Studio's regions, in percent of the picture (labelstud.io/tags)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stages.etl.readers.boxes import are_numbers
from stages.etl.readers.shapes import (
    POLYGON,
    ROTATED,
    Corners,
    DrawnShape,
    around,
    drawn,
    turned,
    unusable,
)

SIDES = ("x", "y", "width", "height")
SHAPES = ("rectangle", "polygon", "ellipse", "brush", "keypoint", "vector", "magicwand", "bitmask")
REGIONS = frozenset([*SHAPES, *(f"{shape}labels" for shape in SHAPES), "labels"])
Region = tuple[str, Mapping[str, Any]]  # its place in the file, its content


def shapes_of(regions: Sequence[Region], size: tuple[int, int]) -> Iterator[DrawnShape]:
    """Yield the shape of each of `regions` of a picture of `size`, in pixels.

    A region that only repeats the place of another with the same id, which has the label, is left
    out: the tags Labels and Rectangle write two results for one region."""
    labelled = {_id(region) for _, region in regions if _labels(region) is not None}
    for place, region in regions:
        if _labels(region) is not None or _id(region) not in labelled - {""}:
            yield _shape(place, region, size)


def is_region(result: Any) -> bool:
    """Whether `result` is a shape on the picture, not a choice or a text about it."""
    return isinstance(result, dict) and str(result.get("type")) in REGIONS


def _id(region: Mapping[str, Any]) -> str:
    return "" if region.get("id") is None else str(region["id"])


def _labels(region: Mapping[str, Any]) -> Any:
    """The labels that `region` lists; None if it is a shape without a list of labels."""
    value = region.get("value")
    return value.get(str(region.get("type"))) if isinstance(value, dict) else None


def _shape(place: str, region: Mapping[str, Any], size: tuple[int, int]) -> DrawnShape:
    value, labels = region.get("value"), _labels(region)
    value = value if isinstance(value, dict) else {}
    if not isinstance(labels, list) or len(labels) != 1 or not str(labels[0]).strip():
        return unusable(place, f"it has {labels!r} instead of one label")
    label, kind = str(labels[0]).strip(), str(region["type"]).removesuffix("labels")
    if kind == "polygon" or (not kind and "points" in value):
        found = _polygon(value, size)
    elif kind == "rectangle" or (not kind and "width" in value):
        found = _rectangle(value, size)
    else:
        found = f"its shape is of the kind '{kind or 'unknown'}', which is not read"
    if isinstance(found, str):
        return unusable(place, found)
    return drawn(place, label, found, _kind(kind, value), "its box")


def _kind(kind: str, value: Mapping[str, Any]) -> str:
    if kind == "polygon" or "points" in value:
        return POLYGON
    return ROTATED if value.get("rotation") else ""


def _polygon(value: Mapping[str, Any], size: tuple[int, int]) -> Corners | str:
    """The box around a polygon, in pixels; or what is wrong with it."""
    points = value.get("points")
    is_list = isinstance(points, list) and bool(points)
    if not is_list or not all(_is_point(point) for point in points or ()):
        return f"its points are {str(points)[:60]}, not pairs of numbers"
    percent = [(float(x) / 100, float(y) / 100) for x, y in points or ()]
    return around([(x * size[0], y * size[1]) for x, y in percent])


def _is_point(point: Any) -> bool:
    return isinstance(point, list) and len(point) == 2 and are_numbers(point)


def _rectangle(value: Mapping[str, Any], size: tuple[int, int]) -> Corners | str:
    """The box around a rectangle, in pixels; or what is wrong with it."""
    sides, rotation = [value.get(side) for side in SIDES], value.get("rotation") or 0
    if not are_numbers([*sides, rotation]):
        return f"x, y, width, height are {sides!r}, rotation {rotation!r}: not numbers"
    x, y, width, height = (float(side or 0) / 100 for side in sides)
    if width == height == 0:
        return x, y, x, y
    if width <= 0 or height <= 0:
        return f"its box is {100 * width:g} % wide and {100 * height:g} % high"
    corner = (x * size[0], y * size[1])
    extent = (*corner, width * size[0], height * size[1])
    return around(turned(extent, float(rotation), corner))  # clockwise about its first corner
