"""The shapes of COCO's annotations: bbox, polygons, corners, and tools' own rotations."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from stages.etl.readers.boxes import are_numbers
from stages.etl.readers.shapes import (
    KEYPOINTS,
    POLYGON,
    ROTATED,
    SCORED,
    SHARES,
    Corners,
    DrawnShape,
    are_shares,
    around,
    boxed,
    pairs,
    size_problem,
    turned,
    unusable,
)

LEAST = 6  # numbers of a polygon
Scale = tuple[float, float]


def shape_of(
    place: str, annotation: Mapping[str, Any], label: str, scale: Scale | None
) -> DrawnShape:
    """The shape of one annotation. `scale`: the picture's width and height if the file's numbers
    are shares of it."""
    numbers, kind = _bbox(annotation), ""
    if numbers is None:
        return unusable(place, f"bbox is {annotation['bbox']!r}, not four numbers")
    if not any(numbers[2:]):
        numbers, kind = _polygon(annotation), POLYGON
        if not numbers:
            problem = _unread(annotation)
            return unusable(place, problem) if problem else DrawnShape(place)
    corners = _corners(numbers)
    if len(numbers) == 4 and kind != POLYGON and (degrees := _rotation(annotation)):
        corners, kind = _around_turned(corners, degrees), ROTATED
    elif len(numbers) == 8 and kind != POLYGON:
        kind = ROTATED
    if scale:
        across, down = scale
        corners = (corners[0] * across, corners[1] * down, corners[2] * across, corners[3] * down)
    if problem := size_problem(corners):
        return unusable(place, f"its box {problem}")
    return DrawnShape(place, boxed(label, corners), kind=kind or _remark(annotation, scale))


def _corners(numbers: Sequence[float]) -> Corners:
    """The corners of a bbox (left, top, width, height), or those around more points."""
    if len(numbers) > 4:
        return around(pairs(numbers))
    left, top, width, height = numbers
    return left, top, left + width, top + height


def _around_turned(corners: Corners, degrees: float) -> Corners:
    """The corners around a box that is turned about its middle; those of an invalid box as they
    are."""
    left, top, right, bottom = corners
    if size_problem(corners, " pixels"):
        return corners
    middle = ((left + right) / 2, (top + bottom) / 2)
    return around(turned((left, top, right - left, bottom - top), degrees, middle))


def numbers_of(annotations: Iterable[Mapping[str, Any]]) -> Iterator[list[float]]:
    """The numbers of each annotation that has a place: its bbox, or its polygon."""
    for annotation in annotations:
        bbox = _bbox(annotation) or []
        if found := bbox if any(bbox[2:]) else _polygon(annotation):
            yield found


def in_shares(annotations: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all annotations are written as shares of their picture."""
    found = list(numbers_of(annotations))
    return bool(found) and all(map(are_shares, found))


def _bbox(annotation: Mapping[str, Any]) -> list[float] | None:
    """The 4 or 8 numbers of bbox; [] if there is none; None if it is something else."""
    bbox = annotation.get("bbox", [])
    if bbox is None and annotation.get("segmentation"):
        return []
    if isinstance(bbox, list) and len(bbox) in (0, 4, 8) and are_numbers(bbox):
        return [float(number) for number in bbox]
    return None


def _polygon(annotation: Mapping[str, Any]) -> list[float]:
    """The numbers of all polygons of an annotation, one list or several; [] if there are none."""
    polygons = annotation.get("segmentation")
    if not isinstance(polygons, list):
        return []
    if polygons and not isinstance(polygons[0], list):
        polygons = [polygons]
    if not all(isinstance(polygon, list) and are_numbers(polygon) for polygon in polygons):
        return []
    whole = [polygon for polygon in polygons if len(polygon) >= LEAST and len(polygon) % 2 == 0]
    return [float(number) for polygon in whole for number in polygon]


def _unread(annotation: Mapping[str, Any]) -> str:
    """Why an annotation without bbox has no box although it has another shape; '' if it has
    none."""
    if isinstance(annotation.get("segmentation"), dict):
        return "it has no bbox, and its shape is a mask, which is not read: export it with bbox"
    if annotation.get("segmentation"):
        return "it has no bbox, and its segmentation is no polygon of numbers"
    if annotation.get("keypoints"):
        return "it has keypoints and no bbox: export it with bbox"
    return ""


def _rotation(annotation: Mapping[str, Any]) -> float:
    """The degrees clockwise about the middle, which CVAT writes beside an upright bbox."""
    attributes = annotation.get("attributes")
    degrees = attributes.get("rotation") if isinstance(attributes, dict) else 0
    return float(degrees) % 360 if degrees and are_numbers([degrees]) else 0.0


def _remark(annotation: Mapping[str, Any], scale: Scale | None) -> str:
    if scale:
        return SHARES
    if annotation.get("keypoints"):
        return KEYPOINTS
    return SCORED if are_numbers([annotation.get("score")]) else ""
