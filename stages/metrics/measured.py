"""Precision, recall, F1 and their means, from true labels and scores."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.artifacts import Measure
from stages.metrics import bootstrap
from stages.metrics.clusters import Clusters, clusters_of
from stages.metrics.group_intervals import labels_over_groups, over_groups
from stages.metrics.intervals import f1, proportion
from stages.metrics.macro import macro
from stages.runtime.errors import DataError

PER_LABEL = ("precision", "recall", "f1", "support")
OVERALL = (
    "accuracy",
    "balanced_accuracy",
    *(f"{kind}_{name}" for kind in ("macro", "micro") for name in PER_LABEL[:3]),
    "log_loss",
)
_SMALLEST = 1e-7  # scores are clipped here, as the log loss of zero is infinite

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Measured(NamedTuple):
    """`overall`: metric -> measure; `labels`: label -> metric -> measure; `confusion`: a row
    for each true label, a column for each predicted one."""

    overall: dict[str, Measure]
    labels: dict[str, dict[str, Measure]]
    confusion: list[list[int]]


def measure(
    truth: ArrayLike,
    scores: ArrayLike,
    labels: Sequence[str],
    seed: int = 0,
    rejected: str = "",
    groups: Sequence[str] = (),
) -> Measured:
    """Measure `scores` ([n, labels], each row adding up to 1) against `truth` (indices, [n]).

    A label that is neither true nor predicted for any sample has measures of 0 in [0, 1] with n = 0
    and is left out of means. The label `rejected` means "none of the labels". If no sample of the
    test has it, it appears only in the confusion matrix, and samples predicted as it count as
    wrong. `groups` [n]: intervals are over these groups of samples (clusters.py); none if each
    sample is alone.

    Raises DataError if there are no samples, a shape is wrong or a score is not finite."""
    true, scored = checked(truth, scores, len(labels))
    answers, clusters = scored.argmax(axis=1), clusters_of(groups)
    confusion = confusion_matrix(true, answers, len(labels))
    reported = [k for k in range(len(labels)) if labels[k] != rejected or (true == k).any()]
    overall = {**_shares(confusion), **macro(confusion, seed, reported)}
    overall["log_loss"] = _log_loss(true, scored, seed, clusters)
    each = {index: _of_label(confusion, index) for index in reported}
    if clusters is not None:
        overall |= over_groups(true, answers, overall, reported, clusters)
        each = labels_over_groups(true, answers, each, clusters)
    return Measured(
        {name: overall[name] for name in OVERALL},
        {labels[index]: measures for index, measures in each.items()},
        confusion.tolist(),
    )


def checked(truth: ArrayLike, scores: ArrayLike, labels: int) -> tuple[Counts, Numbers]:
    """`truth` [n] and `scores` [n, labels] as arrays. Raises DataError if they are invalid."""
    true = np.asarray(truth, np.int64).reshape(-1)
    scored = np.asarray(scores, np.float64)
    if not len(true):
        raise DataError("There is no sample to measure on.", "Give the test split some samples.")
    if scored.shape != (len(true), labels):
        raise DataError(
            f"The scores are {scored.shape}, for {len(true)} samples and {labels} labels.",
            "The model and the data do not belong together: check which model is measured.",
        )
    if true.min() < 0 or true.max() >= labels:
        raise DataError(f"A true label is not within 0 to {labels - 1}.", "Check the labels.")
    if not np.isfinite(scored).all():
        row = int(np.flatnonzero(~np.isfinite(scored).all(axis=1))[0])
        raise DataError(
            f"The scores of sample {row} are not numbers.",
            "The model has diverged: train it again with a lower learning rate.",
        )
    return true, scored


def confusion_matrix(truth: Counts, predicted: Counts, labels: int) -> Counts:
    """Counts by true label (row) and predicted label (column)."""
    cells = np.bincount(truth * labels + predicted, minlength=labels * labels)
    return cells.reshape(labels, labels).astype(np.int64)


def _of_label(confusion: Counts, index: int) -> dict[str, Measure]:
    hits = int(confusion[index, index])
    support, predicted = int(confusion[index].sum()), int(confusion[:, index].sum())
    return {
        "precision": proportion(hits, predicted),
        "recall": proportion(hits, support),
        "f1": f1(hits, support - hits, predicted - hits),
        "support": Measure(value=support, low=support, high=support, n=int(confusion.sum())),
    }


def _shares(confusion: Counts) -> dict[str, Measure]:
    """Accuracy and the micro means, which equal it where every sample has exactly one label."""
    accuracy = proportion(int(np.trace(confusion)), int(confusion.sum()))
    names = ("accuracy", "micro_precision", "micro_recall", "micro_f1")
    return dict.fromkeys(names, accuracy)


def _log_loss(
    truth: Counts, scores: Numbers, seed: int, clusters: Clusters | None = None
) -> Measure:
    """The mean of -log(score of the true label), in nats; lower is better."""
    right = scores[np.arange(len(truth)), truth]
    losses = -np.log(np.clip(right, _SMALLEST, 1.0))
    if clusters is None or clusters.count < 2:
        drawn = bootstrap.means(losses, seed)
    else:
        sizes = clusters.sums(np.ones(len(losses)))
        drawn = bootstrap.ratios(clusters.sums(losses), sizes, seed)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measure(value=float(losses.mean()), low=float(low), high=float(high), n=len(truth))
