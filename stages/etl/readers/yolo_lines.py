"""The shapes of YOLO's lines: a class and then a box, a polygon, four corners or keypoints
(docs.ultralytics.com/datasets: detect, segment, obb, pose)."""

from collections.abc import Mapping, Sequence

from stages.etl.readers.boxes import whole
from stages.etl.readers.shapes import (
    KEYPOINTS,
    POLYGON,
    ROTATED,
    DrawnShape,
    are_shares,
    around,
    boxed,
    has_no_extent,
    pairs,
    size_problem,
    unusable,
)
from stages.runtime.neutral import is_number

FIELDS = 5  # of a line with a box
BEYOND = 0.25  # of a side: how far the corners of a polygon may be outside; they are clipped
MARKS = (0.0, 1.0, 2.0)  # visibilities of a keypoint


def fields_of(line: str) -> list[str]:
    """The fields of a line, between spaces, tabs or commas."""
    return line.replace(",", " ").split()


def is_line_of_numbers(line: str) -> bool:
    """Whether `line` has a class number and at least a box."""
    fields = fields_of(line)
    return (
        len(fields) >= FIELDS and whole(fields[0]) is not None and all(map(is_number, fields[1:]))
    )


def shape_of(
    place: str,
    line: str,
    labels: Mapping[int, str],
    size: tuple[int, int],
    keypoints: tuple[int, int] | None,
) -> DrawnShape:
    """The shape of a line of a picture of `size`, in pixels. `keypoints`: how many an object has,
    and the numbers of each."""
    fields = fields_of(line)
    if len(fields) < FIELDS or not all(map(is_number, fields)):
        shown = " ".join(fields)[:60]
        return unusable(place, f"'{shown}' is not a class and four numbers")
    number = whole(fields[0])
    label = "" if number is None else labels.get(number, "")
    if not label:
        problem = f"class {fields[0]} has no name; there are {len(labels)}"
        return unusable(place, problem)
    numbers, kind = [float(field) for field in fields[1:]], ""
    if keypoints and len(numbers) == FIELDS - 1 + keypoints[0] * keypoints[1]:
        numbers, kind = numbers[: FIELDS - 1], KEYPOINTS
    if len(numbers) == FIELDS - 1:
        return _box(place, numbers, label, size, kind)
    if problem := _no_corners(numbers):
        return unusable(place, problem)
    outline = around(pairs(numbers))
    if has_no_extent(outline):
        return DrawnShape(place)
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in outline)
    corners = (left * size[0], top * size[1], right * size[0], bottom * size[1])
    if problem := size_problem(corners):
        return unusable(place, f"the box {problem}")
    kind = ROTATED if len(numbers) == 8 else POLYGON
    return DrawnShape(place, boxed(label, corners), kind=kind)


def _box(
    place: str, numbers: Sequence[float], label: str, size: tuple[int, int], kind: str
) -> DrawnShape:
    x, y, width, height = numbers
    if not are_shares(numbers):
        shown = " ".join(f"{number:g}" for number in numbers)
        return unusable(place, f"{shown} are not shares from 0 to 1 of the picture")
    if width == height == 0:
        return DrawnShape(place)
    if width <= 0 or height <= 0:
        problem = f"the box is {width:g} wide and {height:g} high"
        return unusable(place, problem)
    across, down = size
    left, top = (x - width / 2) * across, (y - height / 2) * down
    corners = (left, top, left + width * across, top + height * down)
    return DrawnShape(place, boxed(label, corners), kind=kind)


def _no_corners(numbers: Sequence[float]) -> str:
    """Why `numbers`, more than a box has, are not the corners of a shape; '' if they are."""
    if len(numbers) == FIELDS:
        return "it has six numbers; the last is a confidence, so this is the answer of a model"
    marks = numbers[6::3]
    if (len(numbers) - 4) % 3 == 0 and all(mark in MARKS for mark in marks):
        return "it looks like keypoints, and no data.yaml says how many there are (kpt_shape)"
    if len(numbers) % 2:
        return f"it has {len(numbers)} numbers after the class: neither a box nor pairs of x and y"
    if not all(-BEYOND <= number <= 1 + BEYOND for number in numbers):
        return "its corners are not shares from 0 to 1 of the picture"
    return ""
