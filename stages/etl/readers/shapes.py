"""What becomes of each annotated object: a box, a box around another shape, nothing, or a problem
of its picture."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import cos, isfinite, nan, radians, sin
from typing import NamedTuple

from stages.artifacts import Box
from stages.etl.readers import few
from stages.etl.readers.boxes import ROUNDING

MOST_NAMED = 2  # problems of one picture that are told
Point = tuple[float, float]
Corners = tuple[float, float, float, float]  # left, top, right, bottom

POLYGON, ROTATED, KEYPOINTS = "polygon", "rotated box", "keypoints"
EMPTY, SCORED, SHARES = "empty object", "score", "share"
SENTENCES = {
    POLYGON: "Boxes were made around {count} polygon{s} in {files}",
    ROTATED: "Boxes were made around {count} rotated box{es} in {files}",
    KEYPOINTS: "Only the boxes are used of {count} object{s} with keypoints in {files}",
    EMPTY: "Left out: {count} object{s} without any extent in {files}",
    SCORED: "Used as annotations although they have a score, as a model's answers do: {count} "
    "object{s} in {files}",
    SHARES: "Multiplied by the picture's width and height, as they are shares from 0 to 1 and not "
    "pixels: {count} box{es} in {files}",
}


class DrawnShape(NamedTuple):
    """One annotated object: where it is written, its `box` or the `problem` with it; neither for an
    object without any extent. `kind`: a key of SENTENCES, if a person should hear of it."""

    place: str
    box: Box | None = None
    problem: str = ""
    kind: str = ""


def unusable(place: str, problem: str) -> DrawnShape:
    """The object at `place`, which sets its picture aside for `problem`."""
    return DrawnShape(place, problem=f"{place}: {problem}")


class UsableBoxes(NamedTuple):
    """The usable boxes of one picture, where each is written, why the picture cannot be used."""

    boxes: tuple[Box, ...]
    places: tuple[str, ...]
    problem: str


class Tally:
    """Counts the shapes of each kind in each file."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)

    def outcome(self, shapes: Sequence[DrawnShape], file: str) -> UsableBoxes:
        """What can be used of the `shapes` of one picture, which are written in `file`.

        An object without extent costs its picture only if there is no other: it would become a
        picture with nothing on it."""
        problems = [shape.problem for shape in shapes if shape.problem]
        used = [(shape.box, shape.place) for shape in shapes if shape.box]
        if shapes and not used and not problems:
            problems = [f"{shapes[0].place}: the object has no extent, and there is no other"]
        if problems:
            places = tuple(shape.place for shape in shapes)
            return UsableBoxes((), places, "; ".join(problems[:MOST_NAMED]))
        for shape in shapes:
            if kind := shape.kind or (EMPTY if shape.box is None else ""):
                self._counts[kind][file] += 1
        return UsableBoxes(tuple(box for box, _ in used), tuple(place for _, place in used), "")

    def notes(self) -> list[str]:
        """A sentence for each kind that was counted."""
        return [
            _sentence(sentence, found)
            for kind, sentence in SENTENCES.items()
            if (found := self._counts.get(kind))
        ]


def _sentence(template: str, found: Counter[str]) -> str:
    ends = {"s": "", "es": ""} if found.total() == 1 else {"s": "s", "es": "es"}
    files = f"{len(found)} file{'' if len(found) == 1 else 's'} ({few(sorted(found))})"
    return template.format(count=found.total(), files=files, **ends)


def drawn(place: str, label: str, corners: Corners, kind: str, what: str) -> DrawnShape:
    """The object of `label` with `corners` in pixels; unusable if the box, which a person knows as
    `what`, has a wrong side."""
    if has_no_extent(corners):
        return DrawnShape(place)
    if problem := size_problem(corners):
        return unusable(place, f"{what} {problem}")
    return DrawnShape(place, boxed(label, corners), kind=kind)


def around(points: Iterable[Point]) -> Corners:
    """The corners of the box around `points`; NaN if one of them is no finite number."""
    across, down = zip(*points, strict=True)
    if not all(map(isfinite, (*across, *down))):
        return nan, nan, nan, nan
    return min(across), min(down), max(across), max(down)


def has_no_extent(corners: Corners) -> bool:
    """Whether the corners are one point, as after a click without a move."""
    left, top, right, bottom = corners
    return left == right and top == bottom


def turned(sides: Sequence[float], degrees: float, centre: Point) -> list[Point]:
    """The corners of a rectangle (left, top, width, height) turned clockwise about `centre`."""
    left, top, width, height = sides
    turn = radians(degrees) if isfinite(degrees) else nan
    cosine, sine = cos(turn), sin(turn)
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    steps = [(x - centre[0], y - centre[1]) for x, y in corners]
    return [
        (centre[0] + x * cosine - y * sine, centre[1] + x * sine + y * cosine) for x, y in steps
    ]


def pairs(numbers: Sequence[float]) -> list[Point]:
    """`numbers` as points: x, y, x, y."""
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def boxed(label: str, corners: Corners) -> Box:
    """The box of `label`; rounded, so that equal boxes of two layouts are equal."""
    return Box(label, *(round(corner, 4) for corner in corners))


def size_problem(corners: Corners, unit: str = "") -> str:
    """What is wrong with the sides of a box in pixels, or ''; NaN is wrong, too."""
    wide, high = corners[2] - corners[0], corners[3] - corners[1]
    if not (wide > 0 and high > 0 and max(map(abs, corners)) < 1e9):
        return f"is {wide:g}{unit} wide and {high:g}{unit} high"
    if wide < 1 and high < 1 and not unit:
        return (
            f"is {wide:g} wide and {high:g} high, less than a pixel: is it written as shares of "
            "the picture"
        )
    return ""


def are_shares(numbers: Iterable[float]) -> bool:
    """Whether all `numbers` are from 0 to 1, as shares of a picture are."""
    return all(0 <= number <= 1 + ROUNDING for number in numbers)
