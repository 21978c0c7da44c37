"""The kinds of answer that a package gives: labels, boxes, boxes that a second network names.

A kind says how an answer is stored, shown to people and compared in the self-test. To add one, add
a file here and a line to KINDS."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..registry import Registry
from .sure import Sure

if TYPE_CHECKING:
    from ..predictor import Predictor

KINDS = Registry(
    "kind of answer",
    __name__,
    {
        "labels": ".label_answers:LabelAnswers",
        "boxes": ".box_answers:BoxAnswers",
        "classified_boxes": ".classified_boxes:ClassifiedBoxes",
    },
)


class AnswerKind(Protocol):
    """What the runtime needs to know of a kind of answer.

    A value is the result for one sample as plain JSON, complete. An answer is what a person or a
    program gets to see of it. `outputs`: the number of the network's outputs. `top`: how many
    entries an answer has by default (0: all). `draws`: whether an answer can be drawn. `title`,
    `explains`: what an answer is, in a few words and in sentences. `columns`: the titles of its
    table."""

    top: ClassVar[int]
    outputs: ClassVar[int]
    draws: ClassVar[bool]
    title: ClassVar[str]
    explains: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def value(self, array: NDArray[Any], labels: Sequence[str]) -> Any:
        """The last step's `array` as plain JSON, rounded. Raises InfrastructureError if its shape
        is not that of a network for `labels`."""
        ...

    def least(self, description: Mapping[str, Any]) -> float:
        """The default threshold: entries with a lower score are left out of an answer."""
        ...

    def named(
        self,
        value: Any,
        labels: Sequence[str],
        top: int,
        threshold: float,
        facts: Mapping[str, Any],
        sure: Sure,
    ) -> dict[str, Any]:
        """`value` as an answer: the best `top` (0: all) entries with a score of at least
        `threshold`. Each has a field "sure", which `sure` decides independently of `threshold`;
        None if the package was not measured for that."""
        ...

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> Any:
        """The value that an `answer` was made from; the answer has to be complete."""
        ...

    def line(self, answer: Mapping[str, Any]) -> str:
        """`answer` in one line of text."""
        ...

    def rows(self, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """`answer` as rows of a table with `columns`; at least one."""
        ...

    def draw(self, data: bytes, answer: Mapping[str, Any]) -> bytes:
        """The sample in `data` with `answer` drawn on it, as a JPEG. Raises BadSample if it cannot
        be decoded, ConfigError if this kind of answer cannot be drawn."""
        ...

    def golden(self, predictor: "Predictor", data: bytes) -> Any:
        """The expected result for the golden sample in `data`, as plain JSON. Every machine has to
        reproduce it within the package's tolerance."""
        ...

    def furthest(self, expected: Any, found: Any) -> float:
        """The largest deviation between `expected` and `found`, two results of `golden`."""
        ...

    def keeps(self, expected: Any, found: Any) -> bool:
        """Whether two results of `golden` name the same labels or boxes."""
        ...

    def named_in(self, expected: Any) -> set[int]:
        """The indexes of the labels that a result of `golden` names."""
        ...

    def decided(self, value: Any, description: Mapping[str, Any]) -> set[int]:
        """The indexes of the labels that the answer to `value` names by default."""
        ...

    def margin(self, value: Any, description: Mapping[str, Any]) -> float:
        """How much the scores of `value` may change before the answer names other labels."""
        ...

    def by_label(self, value: Any, count: int) -> list[float]:
        """The highest score in `value` of each of `count` labels; 0 for a label without one."""
        ...


def of(description: Mapping[str, Any]) -> AnswerKind:
    """The kind of answer that `description` names. Packages that name none, made before there were
    kinds, answer labels."""
    kind: AnswerKind = KINDS[description.get("answers", "labels")]()
    return kind


def has_boxes(description: Mapping[str, Any]) -> bool:
    """Whether the package of `description` answers with boxes."""
    return "boxes" in str(description.get("answers", "labels"))


def furthest(expected: Any, found: Any) -> float:
    """The largest difference of two nested lists of numbers, as a share of the expected number
    where that is above 1; infinite where their shapes differ or something is no number."""
    return float(differences(expected, found).max(initial=0.0))


def differences(expected: Any, found: Any) -> NDArray[np.float64]:
    """Every difference of two nested lists of numbers, as `furthest` measures them."""
    try:
        wanted, measured = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    except (TypeError, ValueError):  # no numbers, or lists of different lengths
        return np.array([np.inf])
    if wanted.shape != measured.shape or not np.isfinite(measured).all():
        return np.array([np.inf])
    return np.asarray(np.abs(measured - wanted) / np.maximum(np.abs(wanted), 1))
