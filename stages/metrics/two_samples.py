"""Are two sets of samples of one kind? Within each label, so that another mixture of labels alone
does not tell them apart.

A classifier is taught to tell the two sets apart and judged on samples that it was not taught with:
Lopez-Paz and Oquab, Revisiting classifier two-sample tests, arXiv 1610.06545. It is ridge
regression, whose answers are linear in who is of which set, so that all permutations cost one
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
    """`auc`: how often, of a sample of each set with one label, that of the second set is told as
    such: 0.5 where they are of one kind; `p`: the probability of as much or more if they are;
    `scores` [n]: the higher, the more a sample is like those of the second set alone."""

    auc: Measure
    p: float
    scores: Numbers


def flags_of(second: Flags, labels: Indices, seed: int = 0) -> Flags:
    """Who is in the second set, and who in each of PERMUTATIONS worlds in which it is dealt anew
    within each label: [n, 1 + permutations]."""
    rng = np.random.default_rng(seed)
    flags = np.repeat(second[:, None], PERMUTATIONS + 1, axis=1)
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        flags[mine, 1:] = rng.permuted(flags[mine, 1:], axis=0)
    return flags


def classifier_two_sample_test(
    features: Numbers, flags: Flags, labels: Indices, seed: int = 0
) -> Apart:
    """Whether `features` [n, d] tell who is in the second set (`flags`, see `flags_of`)."""
    wanted = _centred(flags.astype(np.float64), labels)
    scores = _unseen(_kernel(_centred(features, labels)), seed) @ wanted
    areas = _areas(_ranks(scores, labels), flags, labels)
    first = flags[:, 0]
    measure = _measure(scores[:, 0], first, labels, float(areas[1:].var()))
    return Apart(measure, _p(areas[0], areas[1:]), scores[:, 0])


def differences(traits: Numbers, flags: Flags, labels: Indices) -> tuple[Numbers, Numbers]:
    """For each of `traits` [n, traits], how often a sample of the second set has more of it than
    one of the first with the same label (ties count half), and a p value over all traits together
    (Westfall and Young 1993): [traits] each."""
    areas = np.stack([_areas(_ranks(trait[:, None], labels), flags, labels) for trait in traits.T])
    away = np.abs(areas - 0.5)
    most = away[:, 1:].max(axis=0)
    return areas[:, 0], np.array([_p(distance, most) for distance in away[:, 0]])


def mixture(flags: Flags, labels: Indices, seed: int = 0) -> float:
    """The p value of the two sets having one mixture of labels (chi square, by permutation)."""
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
    """The matrix that makes of wanted values those that ridge regression gives each row when it is
    taught with the other folds."""
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
    """The area with an interval of Wilson's shape from DeLong's variance (Biometrics 44, 1988), or
    from that by `chance`, of areas near 0.5, which knows that the folds teach each other."""
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
    knows = min(max(area * (1 - area), 0.0) / spread or len(scores), len(scores))
    low, high = wilson(area * knows, knows)
    return Measure(value=area, low=low, high=high, n=len(scores))
