"""Tests whether two sets of samples come from the same distribution, within each label, so that a
different mixture of labels alone does not count.

A classifier is trained to separate the two sets and evaluated on held-out folds (Lopez-Paz and
Oquab, Revisiting classifier two-sample tests, arXiv 1610.06545). The classifier is ridge
regression. Its predictions are linear in the targets, so that all permutations together cost one
matrix product and the p value is exact."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.intervals import wilson

PERMUTATIONS = 999
FOLDS = 5

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Apart(NamedTuple):
    """The result of a test. `auc`: the probability that, of two samples of one label, that of the
    second set has the higher score; 0.5 for equal distributions. `p`: the probability of at least
    this AUC under equal distributions. `scores` [n]: the higher, the more a sample resembles the
    second set."""

    auc: Measure
    p: float
    scores: Numbers


def flags_of(second: Flags, labels: Indices, seed: int = 0) -> Flags:
    """Membership in the second set, [n, 1 + permutations]: the first column is `second` itself, the
    others are permutations of it within each label."""
    rng = np.random.default_rng(seed)
    flags = np.repeat(second[:, None], PERMUTATIONS + 1, axis=1)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        flags[mine, 1:] = rng.permuted(flags[mine, 1:], axis=0)
    return flags


def classifier_two_sample_test(
    features: Numbers, flags: Flags, labels: Indices, seed: int = 0
) -> Apart:
    """Test whether `features` [n, d] separate the second set, given by `flags` (see `flags_of`)."""
    wanted = _centred(flags.astype(np.float64), labels)
    scores = _unseen(_kernel(_centred(features, labels)), seed) @ wanted
    areas = _areas(_ranks(scores, labels), flags, labels)
    first = flags[:, 0]
    measure = _measure(scores[:, 0], first, labels, float(areas[1:].var()))
    return Apart(measure, _p(areas[0], areas[1:]), scores[:, 0])


def differences(traits: Numbers, flags: Flags, labels: Indices) -> tuple[Numbers, Numbers]:
    """Two values for each column of `traits` [n, traits]: the probability that a sample of the
    second set has a larger value than one of the first with the same label (ties count half), and
    a p value corrected for the number of traits (Westfall and Young 1993)."""
    areas = np.stack([_areas(_ranks(trait[:, None], labels), flags, labels) for trait in traits.T])
    away = np.abs(areas - 0.5)
    most = away[:, 1:].max(axis=0)
    return areas[:, 0], np.array([_p(distance, most) for distance in away[:, 0]])


def mixture(flags: Flags, labels: Indices, seed: int = 0) -> float:
    """The p value for the two sets having the same mixture of labels (chi square, by
    permutation)."""
    rng = np.random.default_rng(seed)
    kinds = np.eye(labels.max() + 1)[labels]
    dealt = np.stack([flags[:, 0], *[rng.permutation(flags[:, 0]) for _ in range(PERMUTATIONS)]])
    counts = dealt @ kinds
    expected = np.maximum(kinds.mean(axis=0) * flags[:, 0].sum(), 1e-9)
    chi = ((counts - expected) ** 2 / expected).sum(axis=1)
    return _p(chi[0], chi[1:])


def _p(observed: float, permuted: Numbers) -> float:
    return float((1 + (permuted >= observed - 1e-12).sum()) / (1 + len(permuted)))


def _centred(values: Numbers, labels: Indices) -> Numbers:
    """`values` [n, ...] less the mean of their label."""
    kinds = np.eye(labels.max() + 1)[labels]
    means = kinds.T @ values / np.maximum(kinds.sum(axis=0), 1)[:, None]
    return np.asarray(values - means[labels])


def _kernel(centred: Numbers) -> Numbers:
    """Products of all pairs of rows, such that a row's with itself is 1 in the mean."""
    products = centred @ centred.T
    return np.asarray(products / max(float(np.trace(products)) / len(products), 1e-12))


def _unseen(kernel: Numbers, seed: int) -> Numbers:
    """The matrix [n, n] that maps targets to out-of-fold predictions of ridge regression."""
    n = len(kernel)
    fold = np.random.default_rng(seed).permutation(n) % FOLDS
    operator = np.zeros((n, n))
    for number in range(FOLDS):
        out, rest = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        inner = kernel[np.ix_(rest, rest)] + np.eye(len(rest))
        operator[np.ix_(out, rest)] = np.linalg.solve(inner, kernel[np.ix_(rest, out)]).T
    return operator


def _ranks(values: Numbers, labels: Indices) -> Numbers:
    """The rank of each value in its column among those of its label, from 1; ties share theirs."""
    ranks = np.empty(values.shape)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        ranks[mine] = _midranks(values[mine])
    return ranks


def _midranks(values: Numbers) -> Numbers:
    order = np.argsort(values, axis=0, kind="stable")
    plain = np.empty(values.shape)
    np.put_along_axis(plain, order, np.arange(1.0, len(values) + 1)[:, None], axis=0)
    if values.shape[1] > 1:  # scores of a regression: no ties but between equal rows
        return plain
    _, place, counts = np.unique(values[:, 0], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray(((2 * ends - counts + 1) / 2)[place][:, None])


def _areas(ranks: Numbers, flags: Flags, labels: Indices) -> Numbers:
    """The share of pairs, one of each set with one label, in which that of the second set ranks
    higher: [columns of `flags`]."""
    above, pairs = np.zeros(flags.shape[1]), 0.0
    for label in np.unique(labels):
        mine = labels == label
        second = flags[mine].astype(np.float64)
        many = second[:, 0].sum()
        above += (ranks[mine] * second).sum(axis=0) - many * (many + 1) / 2
        pairs += many * (len(second) - many)
    return above / max(pairs, 1.0)


def _measure(scores: Numbers, second: Flags, labels: Indices, chance: float) -> Measure:
    """The AUC with an interval of Wilson's shape. Its variance is DeLong's (Biometrics 44, 1988),
    or the permutations' variance `chance` if larger, which includes the dependence of folds."""
    hits, pairs, variance = 0.0, 0.0, 0.0
    for label in np.unique(labels):
        ours, theirs = (scores[(labels == label) & side] for side in (second, ~second))
        if not len(ours) or not len(theirs):
            continue
        wins = np.sign(ours[:, None] - theirs[None, :]) / 2 + 0.5
        hits, pairs = hits + wins.sum(), pairs + wins.size
        variance += wins.sum(axis=1).var() * len(ours) + wins.sum(axis=0).var() * len(theirs)
    area = hits / max(pairs, 1.0)
    spread = max(variance / max(pairs, 1.0) ** 2, 4 * area * (1 - area) * chance, 1e-12)
    effective = min(max(area * (1 - area), 0.0) / spread or len(scores), len(scores))
    low, high = wilson(area * effective, effective)
    return Measure(value=area, low=low, high=high, n=len(scores))
