"""Compares held-out samples and test of a model whose answers are scores of labels."""

from collections.abc import Mapping, Sequence

import numpy as np

from stages.evaluate.held_out import ComparisonWithTest, Figure
from stages.evaluate.kinds import Unseen
from stages.evaluate.labels.scores import Scored
from stages.evaluate.predictions import Predicted
from stages.metrics import Measured, measure

METRICS = ("balanced_accuracy", "accuracy")  # the first does not depend on the labels' shares


def held_out_comparison(
    predicted: Predicted,
    test: Scored,
    measured: Measured,
    unseen: Unseen | None,
    groups: Mapping[str, str],
) -> ComparisonWithTest | None:
    """Compare `unseen` with the `test`, `measured`, over the labels that both have; None if there
    are no such labels. `groups`: of held-out samples, by digest."""
    if unseen is None or not len(unseen.truth):
        return None
    labels = predicted.labels
    other = labels.index(predicted.other) if predicted.other else -1
    truth = np.asarray(unseen.truth, np.int64)
    common = [label for label in np.intersect1d(truth, test.truth).tolist() if label != other]
    if not common:
        return None
    keys = tuple(groups.get(digest, digest) for digest in unseen.digests)
    before = _measured(truth, unseen.answers, labels, keys, common)
    whole = set(common) == set(test.truth.tolist())
    tested = (
        measured
        if whole
        else _measured(test.truth, predicted.answers, labels, predicted.groups, common)
    )
    return ComparisonWithTest(
        tuple(Figure(name, before.overall[name], tested.overall[name]) for name in METRICS),
        float(test.scores.max(axis=1).mean()),
        measured.overall["accuracy"],
        predicted.noun,
    )


def _measured(
    truth: np.ndarray,
    answers: Sequence[Sequence[float]],
    labels: Sequence[str],
    groups: Sequence[str],
    common: Sequence[int],
) -> Measured:
    rows = np.flatnonzero(np.isin(truth, common))
    scores = np.asarray(answers, np.float64)[rows]
    own_groups = [groups[row] for row in rows] if groups else ()
    return measure(truth[rows], scores, labels, groups=own_groups)
