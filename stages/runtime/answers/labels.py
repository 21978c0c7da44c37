"""A score for each label; for a sound of several windows, also the likeliest label of each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InfrastructureError
from ..steps import softmax
from . import furthest

if TYPE_CHECKING:
    from ..predictor import Predictor

DIGITS = 6  # of a score that is kept; finer ones differ between machines and mean nothing


class Labels:
    """A value: [score, ...] in the order of the labels."""

    top: ClassVar[int] = 3
    draws: ClassVar[bool] = False

    def value(self, array: NDArray[Any], labels: Sequence[str]) -> list[float]:
        """`array`, [1, labels], as a list, rounded."""
        if array.shape != (1, len(labels)):
            raise InfrastructureError(
                f"The network answers {array.shape} for {len(labels)} labels.",
                "Network and description are not of one model: export it again.",
            )
        return [round(float(one), DIGITS) for one in array[0]]

    def least(self, description: Mapping[str, Any]) -> float:
        """Nothing is left out: the scores say how sure each label is."""
        return 0.0

    def named(
        self,
        value: Sequence[float],
        labels: Sequence[str],
        top: int,
        threshold: float,
        facts: Mapping[str, Any],
    ) -> dict[str, Any]:
        """{"labels": [{"label", "score"}, ...]}, best first; with {"windows": [{"start", "end",
        "label", "score"}, ...]}, seconds, if the sample was cut into windows."""
        order = sorted(range(len(labels)), key=lambda index: -value[index])
        told = [index for index in order if value[index] >= threshold][: top or None]
        found = {"labels": [{"label": labels[one], "score": value[one]} for one in told]}
        return {**found, **_windows(labels, facts)}

    def parsed(self, answer: Mapping[str, Any], labels: Sequence[str]) -> list[float]:
        """The scores of all `labels`, in their order."""
        found = {one["label"]: one["score"] for one in answer["labels"]}
        return [found[label] for label in labels]

    def line(self, answer: Mapping[str, Any]) -> str:
        """The labels with their scores; none may be sure enough."""
        found = [f"{one['label']} {one['score']:.3f}" for one in answer["labels"]]
        return ", ".join(found) or "no label"

    def golden(self, predictor: "Predictor", data: bytes) -> list[float]:
        """The scores of all labels."""
        scores: list[float] = predictor.answers([data])[0]
        return scores

    def furthest(self, expected: Any, found: Any) -> float:
        """The largest difference between two scores of a label."""
        return furthest(expected, found)


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
