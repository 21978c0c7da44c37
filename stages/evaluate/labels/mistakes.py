"""What went wrong, the worst first; which labels are confused; which may be wrong themselves."""

from typing import NamedTuple

import numpy as np

from stages.evaluate.labels.scores import Scored
from stages.evaluate.predictions import Predicted

SURE = 0.9  # a wrong answer with such a score says that the label itself may be wrong


class Mistake(NamedTuple):
    """One wrong answer, to sample `row`. `score` is that of the predicted label, `true_score` of
    the true one."""

    row: int
    name: str
    file: str
    true: str
    predicted: str
    score: float
    true_score: float

    @property
    def suspicious(self) -> bool:
        return self.score >= SURE


class Pair(NamedTuple):
    """Two labels that are confused: so often `one` is taken for `other`, so often the reverse."""

    one: str
    other: str
    there: int
    back: int

    @property
    def times(self) -> int:
        return self.there + self.back


def mistakes(predicted: Predicted, scored: Scored) -> list[Mistake]:
    """Every wrong answer, that with the lowest score of the true label first."""
    wrong = np.flatnonzero(scored.given != scored.truth)
    made = [_mistake(predicted, scored, int(row)) for row in wrong]
    return sorted(made, key=lambda one: (one.true_score, -one.score, one.name))


def _mistake(predicted: Predicted, scored: Scored, row: int) -> Mistake:
    true, given = int(scored.truth[row]), int(scored.given[row])
    return Mistake(
        row,
        predicted.names[row],
        predicted.files[row],
        predicted.labels[true],
        predicted.labels[given],
        float(scored.scores[row, given]),
        float(scored.scores[row, true]),
    )


def pairs(confusion: list[list[int]], labels: tuple[str, ...]) -> list[Pair]:
    """The pairs of labels that are confused at all, the most often confused first."""
    found = [
        Pair(labels[i], labels[j], confusion[i][j], confusion[j][i])
        for i in range(len(labels))
        for j in range(i + 1, len(labels))
    ]
    confused = [_turned(pair) for pair in found if pair.times]
    return sorted(confused, key=lambda pair: (-pair.times, pair.one, pair.other))


def _turned(pair: Pair) -> Pair:
    """The commoner direction first."""
    one, other, there, back = pair
    return pair if there >= back else Pair(other, one, back, there)
