"""Labels with their places on a picture."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from .. import steps
from ..errors import InfrastructureError
from . import furthest
from .sure import Sure, in_table, in_text

if TYPE_CHECKING:
    from ..predictor import Predictor

DIGITS = 6  # of a stored score
PIXEL_DIGITS = 2  # of a stored coordinate
SAME = 0.5  # least overlap of two boxes around the same object
USUAL = 0.5  # threshold of a package that has none of its own


class BoxAnswers:
    """Labels with boxes. A value is [[left, top, right, bottom, score, label's index], ...] in
    pixels of the upright picture, sorted by falling score."""

    top: ClassVar[int] = 0
    outputs: ClassVar[int] = 2
    draws: ClassVar[bool] = True
    title: ClassVar[str] = "boxes with label and score"
    explains: ClassVar[str] = (
        "The answer is a box for each thing that was found, the surest first: its label, a score\n"
        "from 0 to 1, and its left, top, right and bottom edge in pixels of the upright picture.\n"
        "What has a lower score than the package's own threshold is left out: --threshold changes\n"
        "it, --top 5 tells the best five. sure says whether boxes of such a score were right\n"
        "often enough where the package was measured, whatever --threshold; others are dashed."
    )
    columns: ClassVar[tuple[str, ...]] = (
        "Label",
        "Score",
        "Sure",
        "Left",
        "Top",
        "Right",
        "Bottom",
    )

    def value(self, array: NDArray[Any], labels: Sequence[str]) -> list[list[float]]:
        """`array`, [boxes, 6], as lists, rounded."""
        if array.ndim != 2 or array.shape[1] != 6 or (array[:, 5] >= len(labels)).any():
            raise InfrastructureError(
                f"The steps give {array.shape} for boxes of {len(labels)} labels.",
                "Network and description are not of one model: export it again.",
            )
        return [_rounded(row) for row in array]

    def least(self, description: Mapping[str, Any]) -> float:
        """The package's own threshold, chosen where it was measured."""
        threshold = description.get("threshold")
        return USUAL if threshold is None else float(threshold)

    def named(
        self,
        value: Sequence[Sequence[float]],
        labels: Sequence[str],
        top: int,
        threshold: float,
        facts: Mapping[str, Any],
        sure: Sure,
    ) -> dict[str, Any]:
        """{"boxes": [{"label", "score", "sure", "box": [left, top, right, bottom]}, ...]}, sorted
        by falling score."""
        named = [row for row in value if row[4] >= threshold][: top or None]
        return {
            "boxes": [
                {
                    "label": labels[int(row[5])],
                    "score": row[4],
                    "sure": sure.decide(row[4], int(row[5])),
                    "box": list(row[:4]),
                }
                for row in named
            ]
        }

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> list[list[float]]:
        """All boxes of `answer`, in its order."""
        index = {label: place for place, label in enumerate(labels)}
        return [[*box["box"], box["score"], index[box["label"]]] for box in answer["boxes"]]

    def line(self, answer: Mapping[str, Any]) -> str:
        """Each box: label, score, place."""
        found = [
            f"{box['label']} {box['score']:.3f}{in_text(box.get('sure'))} "
            f"({', '.join(f'{edge:.0f}' for edge in box['box'])})"
            for box in answer["boxes"]
        ]
        return "; ".join(found) or "no boxes"

    def rows(self, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """A row for each box, or one row that says that there are none."""
        return [
            (
                box["label"],
                f"{box['score']:.1%}",
                in_table(box.get("sure")),
                *(f"{edge:.0f}" for edge in box["box"]),
            )
            for box in answer["boxes"]
        ] or [("no boxes", "", "", "", "", "", "")]

    def golden(self, predictor: "Predictor", data: bytes) -> dict[str, Any]:
        """Three results: the network's candidates at points spread over the picture; the boxes that
        the steps make of simulated outputs, because on a generated picture a detector is sure of
        nothing; and the boxes that the answer names."""
        from .planted import planted, spread

        prepared = predictor.prepare(data)
        outputs = predictor.forward(prepared.windows)
        decode = predictor.description["after"][:1]
        found = predictor.answer(planted(outputs, decode[0]), prepared.facts)
        least = self.least(predictor.description)
        named = [row for row in predictor.answer(outputs, prepared.facts) if row[4] >= least]
        return {
            "points": spread(steps.run(decode, outputs, prepared.facts)),
            "boxes": found,
            "named": named,
        }

    def furthest(self, expected: Any, found: Any) -> float:
        """The deviation of the candidates at the points, or of the simulated boxes if larger."""
        from .planted import apart

        points, boxes = ((expected[name], found[name]) for name in ("points", "boxes"))
        return max(apart(*points), furthest(*boxes))

    def keeps(self, expected: Any, found: Any) -> bool:
        """Whether both results name as many boxes, and each box has a counterpart of the same label
        with an overlap of at least SAME."""
        unmatched = list(found["named"])
        for row in expected["named"]:
            same = [
                other for other in unmatched if other[5] == row[5] and _overlap(row, other) >= SAME
            ]
            if not same:
                return False
            unmatched.remove(same[0])
        return not unmatched

    def named_in(self, expected: Any) -> set[int]:
        """The labels of the boxes that are named."""
        return {int(row[5]) for row in expected["named"]}

    def decided(self, value: Sequence[Sequence[float]], description: Mapping[str, Any]) -> set[int]:
        """The labels of the boxes whose score reaches the package's threshold."""
        least = self.least(description)
        return {int(row[5]) for row in value if row[4] >= least}

    def margin(self, value: Sequence[Sequence[float]], description: Mapping[str, Any]) -> float:
        """The distance between the threshold and the score nearest to it."""
        least = self.least(description)
        return min((abs(row[4] - least) for row in value), default=1.0)

    def by_label(self, value: Sequence[Sequence[float]], count: int) -> list[float]:
        """The best box's score of each label."""
        best = [0.0] * count
        for row in value:
            best[int(row[5])] = max(best[int(row[5])], row[4])
        return best

    def draw(self, data: bytes, answer: Mapping[str, Any]) -> bytes:
        """The picture in `data`, upright, with the boxes of `answer`, as a JPEG. Raises
        BadSample."""
        from ..drawing import drawn

        return drawn(data, answer["boxes"])


def _rounded(row: NDArray[Any]) -> list[float]:
    edges = [round(float(edge), PIXEL_DIGITS) for edge in row[:4]]
    return [*edges, round(float(row[4]), DIGITS), int(row[5])]


def _overlap(box: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two rows that begin with left, top, right, bottom."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = [(row[2] - row[0]) * (row[3] - row[1]) for row in (box, other)]
    return shared / max(sum(areas) - shared, 1e-9)
