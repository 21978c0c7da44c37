"""The scores of predictions as arrays, to count with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.clusters import Clusters, clusters_of, share
from stages.runtime.errors import DataError


@dataclass(frozen=True)
class Scored:
    """`truth`: indices of the true labels, [n]. `scores`: [n, labels]. `clusters`: the groups of
    the samples; None if each is alone."""

    truth: NDArray[np.int64]
    scores: NDArray[np.float64]
    clusters: Clusters | None = None

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The label with the best score, [n]."""
        return np.asarray(self.scores.argmax(axis=1), np.int64)

    def share(self, hits: NDArray[np.bool_], rows: NDArray[np.bool_] | None = None) -> Measure:
        """The share of `hits` [n] among the samples `rows`, or all, with an interval over
        groups."""
        if rows is None:
            return share(hits, self.clusters)
        return share(hits[rows], self.clusters.of(rows) if self.clusters else None)


def scored(
    truth: Sequence[Any], answers: Sequence[Any], labels: int, groups: Sequence[str] = ()
) -> Scored:
    """`truth` (indices) and `answers` (scores of all labels) of the same samples as arrays;
    `groups`: the keys of their groups, if they come in groups.

    Raises DataError if an answer has not one score for each of `labels`."""
    odd = next((row for row, answer in enumerate(answers) if len(answer) != labels), None)
    if odd is not None:
        raise DataError(
            f"Answer {odd} has {len(answers[odd])} scores, and there are {labels} labels.",
            "The model and the data do not belong together: check which model is measured.",
        )
    scores = np.asarray(answers, np.float64).reshape(-1, labels)
    return Scored(np.asarray(truth, np.int64).reshape(-1), scores, clusters_of(groups))
