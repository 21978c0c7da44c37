"""What a network answers: labels, boxes. Each kind knows its value, its words and its self-test; a
new one is a file here and a line below."""

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
        "labels": ".labels:Labels",
        "boxes": ".boxes:Boxes",
    },
)


class Kind(Protocol):
    """A value is what is kept of one sample, as plain JSON; an answer is what a person or a program
    is told of it. `outputs`: so many the network has. `top`: so many are told if nobody says
    otherwise (0: all). `draws`: an answer can be drawn. `tells`, `explains`: what an answer is, in
    few words and in sentences. `columns`: the titles of its table."""

    top: ClassVar[int]
    outputs: ClassVar[int]
    draws: ClassVar[bool]
    tells: ClassVar[str]
    explains: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]

    def value(self, array: NDArray[Any], labels: Sequence[str]) -> Any:
        """The last step's `array` as plain JSON, rounded for keeping. Raises InfrastructureError if
        it cannot be of a network for `labels`."""
        ...

    def least(self, description: Mapping[str, Any]) -> float:
        """The score below which nothing is told, if nobody says otherwise."""
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
        """`value` as an answer: the best `top` (0: all) with a score of `threshold` or more. Each
        says "sure": true or false by `sure`, whatever `threshold`; None if that is not known."""
        ...

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> Any:
        """The value of an `answer` that left nothing out."""
        ...

    def line(self, answer: Mapping[str, Any]) -> str:
        """`answer` in one line of text."""
        ...

    def rows(self, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
        """`answer` as rows of a table with `columns`; at least one."""
        ...

    def draw(self, data: bytes, answer: Mapping[str, Any]) -> bytes:
        """The sample in `data` with `answer` drawn, as a JPEG. Raises BadSample, or ConfigError if
        this kind is not drawn."""
        ...

    def golden(self, predictor: "Predictor", data: bytes) -> Any:
        """What a package should give for the sample in `data` on every machine, as plain JSON."""
        ...

    def furthest(self, expected: Any, found: Any) -> float:
        """How far `found` is from `expected`, two results of `golden`, where it is furthest."""
        ...

    def keeps(self, expected: Any, found: Any) -> bool:
        """Whether `found` names the same as `expected` does, two results of `golden`."""
        ...

    def named_in(self, expected: Any) -> set[int]:
        """The labels, as indexes, that a result of `golden` names."""
        ...

    def decided(self, value: Any, description: Mapping[str, Any]) -> set[int]:
        """The labels, as indexes, that the answer of `value` names if nobody says otherwise."""
        ...

    def margin(self, value: Any, description: Mapping[str, Any]) -> float:
        """By how much every score of `value` may change before its answer names something else."""
        ...

    def by_label(self, value: Any, count: int) -> list[float]:
        """The highest score of each of `count` labels in `value`; 0 where there is none."""
        ...


def of(description: Mapping[str, Any]) -> Kind:
    """The kind that `description` names; packages of before there were kinds answer labels."""
    kind: Kind = KINDS[description.get("answers", "labels")]()
    return kind


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
