"""Boxes whose content a second network names: the answers of a chain."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from . import furthest
from .box_answers import BoxAnswers
from .sure import Sure, in_table, in_text

if TYPE_CHECKING:
    from ..predictor import Predictor


class ClassifiedBoxes(BoxAnswers):
    """Boxes with the detector's label and score and those of the classifier.

    A value is [[left, top, right, bottom, score, label's index, detector's score, detector's label,
    classifier's score, sure], ...]: the first six as in BoxAnswers. The label is the classifier's,
    and the score the product of both scores. Of a box that is not classified, label and score are
    the detector's, and the classifier's score is None. `sure` is true, false or None."""

    title: ClassVar[str] = "boxes with the labels of a detector and of a classifier"
    explains: ClassVar[str] = (
        "The answer is a box for each thing that the detector found at its own threshold: the\n"
        "label that the classifier gives it; a score from 0 to 1, the detector's times the\n"
        "classifier's, the highest first; and its left, top, right and bottom edge in pixels of\n"
        "the upright picture. detected has the label and score of the detector alone, classified\n"
        "those of the classifier; it is null for a box that is not classified, which keeps the\n"
        "detector's label and score. --threshold leaves out what has a lower score, --top 5 tells\n"
        "the best five. A box is sure if both networks are sure of it; others are dashed."
    )
    columns: ClassVar[tuple[str, ...]] = (
        *("Label", "Score", "Sure", "Detected", "Classified"),
        *("Left", "Top", "Right", "Bottom"),
    )

    def named(
        self,
        value: Sequence[Sequence[Any]],
        labels: Sequence[str],
        top: int,
        threshold: float,
        facts: Mapping[str, Any],
        sure: Sure,
    ) -> dict[str, Any]:
        """{"boxes": [{"label", "score", "sure", "box", "detected": {"label", "score"},
        "classified": {"label", "score"} or None}, ...]}, sorted by falling score."""
        named = [row for row in value if row[4] >= threshold][: top or None]
        return {"boxes": [_box(row, labels) for row in named]}

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> list[list[Any]]:
        """All boxes of `answer`, in its order."""
        index = {label: place for place, label in enumerate(labels)}
        return [
            [
                *(*box["box"], box["score"], index[box["label"]]),
                *(box["detected"]["score"], box["detected"]["label"]),
                box["classified"]["score"] if box["classified"] else None,
                box["sure"],
            ]
            for box in answer["boxes"]
        ]

    def line(self, answer: Mapping[str, Any]) -> str:
        """Each box: label, score, both networks' answers, place."""
        found = [
            f"{box['label']} {box['score']:.3f}{in_text(box.get('sure'))} "
            f"[{' > '.join(_parts(box, '.3f'))}] "
            f"({', '.join(f'{edge:.0f}' for edge in box['box'])})"
            for box in answer["boxes"]
        ]
        return "; ".join(found) or "no boxes"

    def rows(self, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """A row for each box, or one row that says that there are none."""
        return [
            (
                *(box["label"], f"{box['score']:.1%}", in_table(box.get("sure"))),
                *[*_parts(box, ".1%"), ""][:2],
                *(f"{edge:.0f}" for edge in box["box"]),
            )
            for box in answer["boxes"]
        ] or [("no boxes", *[""] * (len(self.columns) - 1))]

    def golden(self, predictor: "Predictor", data: bytes) -> dict[str, Any]:
        """The detector's results as of BoxAnswers, the classifier's scores for fixed parts of the
        picture, and the boxes that the answer names."""
        prepared = predictor.prepare(data)
        return {
            **super().golden(predictor.detector, data),  # type: ignore[attr-defined]
            "scores": predictor.fixed_scores(prepared.facts),  # type: ignore[attr-defined]
            "named": predictor.answered([prepared])[0],
        }

    def furthest(self, expected: Any, found: Any) -> float:
        """The deviation of the detector, or that of the classifier if larger."""
        return max(super().furthest(expected, found), furthest(expected["scores"], found["scores"]))

    def margin(self, value: Sequence[Sequence[Any]], description: Mapping[str, Any]) -> float:
        """The distance between the detector's threshold and the score nearest to it."""
        least = description["classify"]["shown_from"]
        return min((abs(row[6] - least) for row in value), default=1.0)


def _box(row: Sequence[Any], labels: Sequence[str]) -> dict[str, Any]:
    label = labels[int(row[5])]
    return {
        "label": label,
        "score": row[4],
        "sure": row[9],
        "box": list(row[:4]),
        "detected": {"label": row[7], "score": row[6]},
        "classified": None if row[8] is None else {"label": label, "score": row[8]},
    }


def _parts(box: Mapping[str, Any], form: str) -> list[str]:
    """The label and score of each network that answered the box."""
    parts = [part for part in (box["detected"], box["classified"]) if part]
    return [f"{part['label']} {format(part['score'], form)}" for part in parts]
