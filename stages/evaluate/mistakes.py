"""What went wrong, the worst first; which labels are confused; which may be wrong themselves."""

from typing import NamedTuple

import numpy as np

from stages.evaluate.predictions import Predicted

SURE = 0.9  # a wrong answer with such a score says that the label itself may be wrong


class Mistake(NamedTuple):
    """One wrong answer. `score` is that of the predicted label, `true_score` of the true one."""

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


def mistakes(predicted: Predicted) -> list[Mistake]:
    """Every wrong answer, that with the lowest score of the true label first."""
    given = predicted.scores.argmax(axis=1)
    made = [
        _mistake(predicted, row, given[row]) for row in np.flatnonzero(given != predicted.truth)
    ]
    return sorted(made, key=lambda one: (one.true_score, -one.score, one.name))


def _mistake(predicted: Predicted, row: int, given: int) -> Mistake:
    true = int(predicted.truth[row])
    return Mistake(
        predicted.names[row],
        predicted.files[row],
        predicted.labels[true],
        predicted.labels[given],
        float(predicted.scores[row, given]),
        float(predicted.scores[row, true]),
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
