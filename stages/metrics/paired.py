"""Compares two sets of predictions of the same samples: the drop from one to the other.

Tango (1998), Equivalence test and confidence interval for the difference in proportions for the
paired-sample design, Statistics in Medicine 17, 891-908. Pairs that come in groups count as fewer
independent ones (`effective_pairs`)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stages.artifacts import Measure
from stages.metrics import bootstrap
from stages.metrics.clusters import Clusters, design, design_effects
from stages.metrics.intervals import Z

CONFIDENT = 1.2815515655446004  # the normal deviate that leaves 10 % on one side

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def paired_drop(
    truth: ArrayLike, before: ArrayLike, after: ArrayLike, clusters: Clusters | None = None
) -> Measure:
    """The drop in accuracy from `before` to `after`; positive if `after` is worse.

    Both are scores [n, labels] or predicted indices [n] of the same samples. The interval is
    Tango's, over the groups `clusters`. It uses only samples on which the two differ, so it is
    narrow where they mostly agree. 0 in [-1, 1] without samples."""
    true = np.asarray(truth, np.int64)
    old, new = (_predicted(predictions) == true for predictions in (before, after))
    return _drop(old, new, clusters)


def recall_drops(
    truth: ArrayLike,
    before: ArrayLike,
    after: ArrayLike,
    labels: Sequence[str],
    clusters: Clusters | None = None,
) -> dict[str, Measure]:
    """The drop in each label's recall, measured as in `paired_drop`."""
    true = np.asarray(truth, np.int64)
    old, new = _predicted(before) == true, _predicted(after) == true
    rows = [true == index for index in range(len(labels))]
    return {
        label: _drop(old[row], new[row], clusters.of(row) if clusters else None)
        for label, row in zip(labels, rows, strict=True)
    }


def effective_pairs(
    before: Flags, after: Flags, clusters: Clusters | None, influence: Numbers | None = None
) -> float:
    """The number of independent pairs that tell as much about the drop from `before` to `after`,
    both [n], as these do, which come in the groups `clusters`; there is at least one. `influence`:
    of each pair on the drop, [n]; None: all pairs count the same.

    Groups count as for the share of pairs that differ (clusters.py), or as for the drop, whichever
    leaves fewer: one group may have lost all that another has won."""
    if clusters is None:
        return float(len(before))
    found = design(before == after, clusters)
    change = after.astype(np.float64) - before
    if influence is None:
        influence = change - change.mean()
    effect = float(design_effects(influence[np.newaxis], clusters)[0])
    by_drop = len(before) / (effect * found.scarcity)
    return max(min(found.effective, by_drop), found.least)


def balanced_drop(
    truth: ArrayLike, before: ArrayLike, after: ArrayLike, clusters: Clusters | None = None
) -> Measure:
    """The drop in balanced accuracy, in which each label counts the same, over the groups
    `clusters`.

    The interval is Tango's for the effective number of samples, which follows from the variance
    over labels, as in macro.py. Each label gets one additional sample with the mean rates over
    labels, because a few samples that agree do not prove that all do."""
    true = np.asarray(truth, np.int64)
    old, new = (_predicted(predictions) == true for predictions in (before, after))
    if not len(true):
        return _drop(old, new)
    counts = np.bincount(true)
    has = counts > 0
    lost, won = (
        np.bincount(true, rows, len(counts))[has].astype(np.float64)
        for rows in (old & ~new, ~old & new)
    )
    influence = _balanced_influence(true, old, new)
    weight = effective_pairs(old, new, clusters, influence) / len(true)
    effective = _effective_samples(lost, won, counts[has]) * weight
    lost_share, won_share = (float((flips / counts[has]).mean()) for flips in (lost, won))
    low, high = tango(lost_share * effective, won_share * effective, effective)
    return Measure(value=lost_share - won_share, low=low, high=high, n=len(true))


def _balanced_influence(true: Counts, before: Flags, after: Flags) -> Numbers:
    """The influence of each sample on the drop in balanced accuracy, [n], up to a factor: how its
    change differs from the mean change of its label, over the number of the label's samples."""
    change = after.astype(np.float64) - before
    counts = np.maximum(np.bincount(true), 1)
    means = np.bincount(true, change) / counts
    influence: Numbers = (change - means[true]) / counts[true]
    return influence


def _effective_samples(lost: Numbers, won: Numbers, counts: Counts) -> float:
    """The effective number of samples: so many samples of equally frequent labels give the same
    variance as `counts` of each label."""
    rates = [(flips + (flips / counts).mean()) / (counts + 1) for flips in (lost, won)]
    variances = rates[0] + rates[1] - (rates[0] - rates[1]) ** 2
    whole = rates[0].mean() + rates[1].mean() - (rates[0].mean() - rates[1].mean()) ** 2
    mean = float((variances / counts).sum()) / len(counts) ** 2
    return float(whole) / mean if mean > 0 else len(counts) ** 2 / float((1 / counts).sum())


def loss_rise(
    before: ArrayLike, after: ArrayLike, seed: int = 0, clusters: Clusters | None = None
) -> Measure:
    """The rise of the mean loss from `before` to `after`, losses [n] of the same samples. The
    interval is that of the bootstrap over samples, or over the groups `clusters`."""
    rise = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    if clusters is None:
        means = bootstrap.means(rise, seed)
    else:
        sizes = clusters.sums(np.ones(len(rise)))
        means = bootstrap.ratios(clusters.sums(rise), sizes, seed)
    low, high = np.quantile(means, [0.025, 0.975])
    return Measure(value=float(rise.mean()), low=float(low), high=float(high), n=len(rise))


def _predicted(predictions: ArrayLike) -> Counts:
    values = np.asarray(predictions)
    return values.argmax(axis=1) if values.ndim == 2 else values.astype(np.int64)


def _drop(before: Flags, after: Flags, clusters: Clusters | None = None) -> Measure:
    n = len(before)
    if not n:
        return Measure(value=0.0, low=-1.0, high=1.0, n=0)
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    weight = effective_pairs(before, after, clusters) / n
    low, high = tango(lost * weight, won * weight, n * weight)
    return Measure(value=(lost - won) / n, low=low, high=high, n=n)


def tango(lost: float, won: float, n: float, z: float = Z) -> tuple[float, float]:
    """The score interval of (lost - won) / n, for the discordant counts of `n` pairs.

    `z` is the normal deviate of the confidence asked for; 95 % on both sides if not given."""
    value = (lost - won) / n
    low = _root(lost, won, n, -1.0, value, z)
    return low, _root(lost, won, n, value, 1.0, -z)


def _root(lost: float, won: float, n: float, low: float, high: float, target: float) -> float:
    """The drop between `low` and `high` where the falling score equals `target`, by bisection."""
    for _ in range(60):
        middle = (low + high) / 2
        if _score(lost, won, n, middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _score(lost: float, won: float, n: float, drop: float) -> float:
    """The standardised distance of the observed drop from `drop`, under the most likely share of
    pairs that are lost."""
    a, b = 2 * n, -lost - won + (2 * n - lost + won) * drop
    c = -won * drop * (1 - drop)
    share = (np.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * share + drop * (1 - drop))
    return float((lost - won - n * drop) / np.sqrt(max(variance, 1e-12)))
