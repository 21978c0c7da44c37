"""Wrong answers, the worst first; their annotated labels may be wrong themselves."""

from typing import NamedTuple

import numpy as np

from stages.evaluate.labels.scores import Scored
from stages.evaluate.predictions import Predicted

SURE = 0.9  # from this score on, a wrong answer suggests that the annotated label is wrong


class Mistake(NamedTuple):
    """One wrong answer, to sample `row`. `score` is that of the predicted label, `true_score` of
    the true one. `trusted`: scores on the test say how sure the model may be."""

    row: int
    name: str
    file: str
    true: str
    predicted: str
    score: float
    true_score: float
    trusted: bool = True

    @property
    def suspicious(self) -> bool:
        """Whether the score is so high that the true label may be wrong."""
        return self.trusted and self.score >= SURE


def mistakes(predicted: Predicted, scored: Scored, trusted: bool = True) -> list[Mistake]:
    """Every wrong answer, that with the lowest score of the true label first. Where the model is
    worse on the test than on held-out samples, a high score of it is not `trusted`, and is no
    reason to doubt a label."""
    wrong = np.flatnonzero(scored.predicted != scored.truth)
    unsorted = [_mistake(predicted, scored, int(row), trusted) for row in wrong]
    return sorted(unsorted, key=lambda mistake: (mistake.true_score, -mistake.score, mistake.name))


def _mistake(predicted: Predicted, scored: Scored, row: int, trusted: bool) -> Mistake:
    true, answer = int(scored.truth[row]), int(scored.predicted[row])
    return Mistake(
        row,
        predicted.names[row],
        predicted.files[row],
        predicted.labels[true],
        predicted.labels[answer],
        float(scored.scores[row, answer]),
        float(scored.scores[row, true]),
        trusted,
    )
