"""The shapes of a Pascal VOC object: bndbox, polygon, or the rotated box of roLabelImg."""

from collections.abc import Sequence
from math import degrees

from stages.etl.readers.shapes import (
    POLYGON,
    ROTATED,
    DrawnShape,
    around,
    boxed,
    has_no_extent,
    pairs,
    size_problem,
    turned,
    unusable,
)
from stages.etl.readers.xml_tree import Element

CORNERS = ("xmin", "ymin", "xmax", "ymax")
ROTATED_SIDES = ("cx", "cy", "w", "h", "angle")
SHAPED = ("bndbox", "polygon", "robndbox", "segmentation", "keypoints", "mask")


def shape_of(name: str, element: Element, first: int) -> DrawnShape:
    """The shape of the object `element` of the file `name`, with edges between pixels. `first`: the
    number of the first pixel, 0 or 1."""
    place, label = f"{name}, line {element.line}", element.text("name")
    shaped = [entry for entry in element.inside if entry.name in SHAPED]
    if not any(entry.inside or entry.content.strip() for entry in shaped):
        return DrawnShape(place)
    if not label:
        return unusable(place, "the object has no name")
    texts, kind = _texts(element)
    if not texts:
        return unusable(place, f"'{label}' has no bndbox")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        shown = ", ".join(texts[:8])
        problem = f"{place}: the corners of '{label}' are {shown}, not four numbers"
        return DrawnShape(place, problem=problem)
    corners = _corners(numbers, kind, first)
    if not any(numbers) or has_no_extent(corners):
        return DrawnShape(place)
    if problem := size_problem(corners):
        return unusable(place, f"the box of '{label}' {problem}")
    return DrawnShape(place, boxed(label, corners), kind=kind)


def _texts(element: Element) -> tuple[list[str], str]:
    """The texts of the corners of an object's first shape that is read, and the shape's kind."""
    if box := element.child("bndbox"):
        return [box.text(corner) for corner in CORNERS], ""
    if box := element.child("robndbox"):
        return [box.text(side) for side in ROTATED_SIDES], ROTATED
    polygon = element.child("polygon")
    if polygon is None:
        return [], ""
    points = polygon.children("pt") or polygon.children("point")
    if points:
        return [point.text(axis) for point in points for axis in ("x", "y")], POLYGON
    numbered = {entry.name: entry.content.strip() for entry in polygon.inside}
    count = next((at for at in range(len(numbered)) if f"x{at + 1}" not in numbered), len(numbered))
    axes = [f"{axis}{at + 1}" for at in range(count) for axis in ("x", "y")]
    return [numbered.get(axis, "") for axis in axes], POLYGON


def _corners(numbers: Sequence[float], kind: str, first: int) -> tuple[float, float, float, float]:
    if kind == ROTATED:
        across, down, wide, high, angle = numbers
        sides = (across - wide / 2, down - high / 2, wide, high)
        return around(turned(sides, degrees(angle), (across, down)))
    left, top, right, bottom = around(pairs(numbers)) if kind else numbers
    return left - first, top - first, right, bottom
