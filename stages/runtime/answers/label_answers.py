"""Answers with a score for each label. A sound of several windows also gets the likeliest label of
each window."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError, InfrastructureError
from ..steps import softmax
from . import furthest
from .sure import Sure, in_table, in_text

if TYPE_CHECKING:
    from ..predictor import Predictor

DIGITS = 6  # of a stored score; further digits differ between machines


class Span(NamedTuple):
    """Consecutive windows with the same likeliest label: start and end in seconds, the label, and
    its highest score."""

    start: float
    end: float
    label: str
    score: float

    @property
    def when(self) -> str:
        return f"{self.start:.1f} to {self.end:.1f} s"


class LabelAnswers:
    """A value: [score, ...] in the order of the labels."""

    top: ClassVar[int] = 3
    outputs: ClassVar[int] = 1
    draws: ClassVar[bool] = False
    title: ClassVar[str] = "labels with scores"
    explains: ClassVar[str] = (
        "The answer is the likeliest labels with scores from 0 to 1, which add up to 1 over all\n"
        "labels: --top 0 tells all of them. A recording that was cut into several windows also\n"
        "gets the likeliest label of each, with its start and end in seconds.\n"
        "sure says whether answers of such a score were right often enough where the package was\n"
        "measured, whatever --threshold. Only the likeliest label can be sure."
    )
    columns: ClassVar[tuple[str, ...]] = ("Label", "Score", "Sure", "Then")

    def value(self, array: NDArray[Any], labels: Sequence[str]) -> list[float]:
        """`array`, [1, labels], as a list, rounded."""
        if array.shape != (1, len(labels)):
            raise InfrastructureError(
                f"The network answers {array.shape} for {len(labels)} labels.",
                "Network and description are not of one model: export it again.",
            )
        return [round(float(score), DIGITS) for score in array[0]]

    def least(self, description: Mapping[str, Any]) -> float:
        """0: nothing is left out, as the scores say how sure each label is."""
        return 0.0

    def named(
        self,
        value: Sequence[float],
        labels: Sequence[str],
        top: int,
        threshold: float,
        facts: Mapping[str, Any],
        sure: Sure,
    ) -> dict[str, Any]:
        """{"labels": [{"label", "score", "sure"}, ...], "sure"}, sorted by falling score. The outer
        "sure" is that of the first label, as only the likeliest label can be sure.

        If the sample was cut into windows, also {"windows": [{"start", "end", "label", "score"},
        ...]}, in seconds. Windows have no "sure", because single windows were not measured."""
        order = sorted(range(len(labels)), key=lambda index: -value[index])
        named = [index for index in order if value[index] >= threshold][: top or None]
        first = sure.decide(value[order[0]], order[0]) if named else sure.none
        found = [
            {
                "label": labels[index],
                "score": value[index],
                "sure": first if index == order[0] else sure.none,
            }
            for index in named
        ]
        return {"labels": found, "sure": first, **_windows(labels, facts)}

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> list[float]:
        """The scores of all `labels`, in their order."""
        found = {label["label"]: label["score"] for label in answer["labels"]}
        return [found[label] for label in labels]

    def line(self, answer: Mapping[str, Any]) -> str:
        """The labels with their scores, then the label of each span of time if there are several
        spans."""
        found = [f"{label['label']} {label['score']:.3f}" for label in answer["labels"]]
        if found:
            found[0] += in_text(answer.get("sure"))
        when = [f"{span.when} {span.label} {span.score:.3f}" for span in spans(answer)]
        heard = f" ({', '.join(when)})" if when else ""
        return (", ".join(found) or "no label") + heard

    def rows(self, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """A row with the likeliest label and the others in its last column, then a row for each
        span of time if there are several spans."""
        named = [(label["label"], f"{label['score']:.1%}") for label in answer["labels"]]
        first, rest = (named or [("no label", "")])[0], named[1:]
        then = ", ".join(" ".join(pair) for pair in rest)
        heard = [(span.label, f"{span.score:.1%}", "", span.when) for span in spans(answer)]
        return [(*first, in_table(answer.get("sure") if named else None), then), *heard]

    def draw(self, data: bytes, answer: Mapping[str, Any]) -> bytes:
        """Labels have no place: raises ConfigError."""
        raise ConfigError("Labels cannot be drawn.", "Ask without drawing.")

    def golden(self, predictor: "Predictor", data: bytes) -> list[float]:
        """The scores of all labels."""
        scores: list[float] = predictor.answers([data])[0]
        return scores

    def furthest(self, expected: Any, found: Any) -> float:
        """The largest difference between two scores of a label."""
        return furthest(expected, found)

    def keeps(self, expected: Sequence[float], found: Sequence[float]) -> bool:
        """Whether the likeliest label is the same."""
        return _likeliest(expected) == _likeliest(found)

    def named_in(self, expected: Sequence[float]) -> set[int]:
        """The likeliest label."""
        return {_likeliest(expected)}

    def decided(self, value: Sequence[float], description: Mapping[str, Any]) -> set[int]:
        """The likeliest label."""
        return {_likeliest(value)}

    def margin(self, value: Sequence[float], description: Mapping[str, Any]) -> float:
        """Half of the difference between the highest score and the second."""
        best, second = sorted([*value, 0.0], reverse=True)[:2]
        return (best - second) / 2

    def by_label(self, value: Sequence[float], count: int) -> list[float]:
        """The scores themselves."""
        return list(value)


def _likeliest(scores: Sequence[float]) -> int:
    return max(range(len(scores)), key=lambda index: scores[index])


def spans(answer: Mapping[str, Any]) -> list[Span]:
    """The spans of time with their labels; none if the label is the same from start to end."""
    windows = answer.get("windows", ())
    groups = [list(group) for _, group in groupby(windows, key=lambda window: window["label"])]
    if len(groups) < 2:
        return []
    return [
        Span(
            group[0]["start"],
            group[-1]["end"],
            group[0]["label"],
            max(window["score"] for window in group),
        )
        for group in groups
    ]


def _windows(labels: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    if "windows" not in facts or "window_logits" not in facts:
        return {}
    scores = softmax(facts["window_logits"])
    rows = zip(facts["windows"], scores.argmax(axis=1), scores.max(axis=1), strict=True)
    return {
        "windows": [
            {
                "start": round(float(start), 2),
                "end": round(float(end), 2),
                "label": labels[int(best)],
                "score": round(float(np.float64(score)), DIGITS),
            }
            for (start, end), best, score in rows
        ]
    }
