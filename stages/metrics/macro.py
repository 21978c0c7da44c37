"""Macro means: plain means over labels, where each label counts the same.

Their intervals: the bootstrap gives the variance; from it follows the effective number of
independent samples; Wilson's interval for that number has the right shape near 0 and 1 (as Korn and
Graubard, 1998, Confidence intervals for proportions with small expected number of positive counts
estimated from survey data, Survey Methodology 24, 193-201, do for surveys)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics import bootstrap
from stages.metrics.intervals import proportion, wilson

MACRO = ("macro_precision", "macro_recall", "macro_f1", "balanced_accuracy")

Counts = NDArray[np.int64]
Numbers = NDArray[np.float64]


def macro(
    confusion: Counts, seed: int, reported: Sequence[int] | None = None
) -> dict[str, Measure]:
    """Macro precision, recall and F1, and balanced accuracy, with intervals seeded by `seed`.

    The macro means are over the labels that occur as true or as predicted, and of those only over
    `reported`, unless that is None. Balanced accuracy is the mean recall of the labels that occur
    as true."""
    occurring = np.flatnonzero(confusion.sum(axis=1) + confusion.sum(axis=0))
    counts = confusion[np.ix_(occurring, occurring)]
    if len(occurring) == 1:  # a single label is always right: there is no mean to take
        return dict.fromkeys(MACRO, proportion(int(counts.sum()), int(counts.sum())))
    own = np.isin(occurring, reported if reported is not None else occurring)
    return _measured(counts.astype(np.float64), seed, own)


def _measured(counts: Numbers, seed: int, own: NDArray[np.bool_]) -> dict[str, Measure]:
    n = int(counts.sum())
    true = counts.sum(axis=1) > 0
    smooth = smoothed(counts)
    values, centres = _means(counts, own, true), _means(smooth, own, true)
    drawn = _means(bootstrap.confusions(smooth, n, seed), own, true)
    measures = {}
    for name, value in values.items():
        centre, variance = float(centres[name]), float(drawn[name].var())
        effective = centre * (1 - centre) / max(variance, 1e-12)
        low, high = wilson(float(value) * effective, effective)
        measures[name] = Measure(value=float(value), low=low, high=high, n=n)
    return measures


def smoothed(counts: Numbers) -> Numbers:
    """`counts` [labels, labels] with one sample added to each row, spread like an average sample.

    A few samples without a mistake do not prove that mistakes are impossible, but their bootstrap
    would have no variance."""
    k = len(counts)
    right = (np.trace(counts) + 1) / (counts.sum() + 2)
    typical = np.full((k, k), (1 - right) / (k - 1))
    np.fill_diagonal(typical, right)
    return np.asarray(counts + typical)


def _means(
    confusion: Numbers, own: NDArray[np.bool_], true: NDArray[np.bool_]
) -> dict[str, Numbers]:
    """The means in MACRO of `confusion` [..., labels, labels], over the labels selected by `own`,
    or by `true` for balanced accuracy. 0 / 0 counts as 0."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    has, gets = confusion.sum(axis=-1), confusion.sum(axis=-2)
    recall = _share(hits, has)
    three = (_share(hits, gets), recall, _share(2 * hits, has + gets))
    each = (*(share[..., own] for share in three), recall[..., true])
    return {name: values.mean(axis=-1) for name, values in zip(MACRO, each, strict=True)}


def _share(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
