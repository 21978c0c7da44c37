"""The answers to the test split pooled with the out-of-fold answers of training."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from stages.evaluate.kinds import Unseen
from stages.evaluate.labels.scores import Scored
from stages.evaluate.predictions import Predicted
from stages.metrics import confusion_matrix

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class PooledAnswers:
    """Answers to samples that the answering model was not trained on, the `tested` ones of the test
    first. `scored`, `digests`, `names`: row by row."""

    labels: tuple[str, ...]
    scored: Scored
    digests: tuple[str, ...]
    names: tuple[str, ...]
    tested: int

    @cached_property
    def confusion(self) -> Counts:
        """The confusion matrix of all answers."""
        return confusion_matrix(self.scored.truth, self.scored.predicted, len(self.labels))

    @cached_property
    def in_test(self) -> Counts:
        """The confusion matrix of the answers to the test split."""
        truth, answers = self.scored.truth[: self.tested], self.scored.predicted[: self.tested]
        return confusion_matrix(truth, answers, len(self.labels))


def pooled_answers(
    predicted: Predicted, test: Scored, unseen: Unseen | None, held_out: Scored
) -> PooledAnswers:
    """The answers to the test split, `test`, then those to `unseen` samples, `held_out`."""
    tested = len(predicted.files)
    if not unseen or not unseen.digests:
        return PooledAnswers(predicted.labels, test, predicted.files, predicted.names, tested)
    both = Scored(
        np.concatenate([test.truth, held_out.truth]), np.concatenate([test.scores, held_out.scores])
    )
    digests = (*predicted.files, *unseen.digests)
    names = (*predicted.names, *["held out in training"] * len(unseen.digests))
    return PooledAnswers(predicted.labels, both, digests, names, tested)
