"""Intervals of samples that come in groups: the clips of one speaker, the photos of one object.

Samples of one group resemble each other, so n of them tell as much as n / deff independent ones,
with the design effect of Rao and Scott (1992, A simple method for the analysis of clustered binary
data, Biometrics 48, 577-585). The interval is Wilson's for that number, with Student's deviate for
the number of groups (Korn and Graubard 1998, see macro.py). The variance between groups is that of
a ratio, by linearisation (Cochran 1977, Sampling techniques, third edition, chapter 6).

Few groups of equal shares do not prove that groups are equal, so one group more is assumed, that is
right as often as the rule of succession lets expect (as macro.py assumes a sample more)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Measure
from stages.metrics.intervals import Z, proportion, student, wilson

Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Clusters:
    """`index` [n]: the number of each sample's group, from 0; `count`: of groups."""

    index: Indices
    count: int

    def of(self, rows: Indices | Flags) -> "Clusters":
        """The groups of the samples `rows` alone."""
        return _numbered(self.index[rows])

    def sums(self, values: Numbers | Flags) -> Numbers:
        """The sum of `values` [n] in each group: [count]."""
        weights = np.asarray(values, np.float64)
        return np.bincount(self.index, weights, self.count).astype(np.float64)


class Design(NamedTuple):
    """What groups make of n samples. `effective`: the number of independent samples that tell as
    much; `least`: that number if each group had but one answer (Kish 1965, Survey sampling).
    `scarcity`: by how much the variance rises as few groups show few mistakes, or little of their
    difference: a factor of at least 1 that means over labels share."""

    effective: float
    least: float
    scarcity: float


def clusters_of(groups: Sequence[str]) -> Clusters | None:
    """The clusters of samples with the keys `groups`; None if there are none, or each is alone."""
    if not len(groups):
        return None
    found = _numbered(np.unique(np.asarray(groups), return_inverse=True)[1])
    return found if found.count < len(groups) else None


def share(hits: Flags, clusters: Clusters | None) -> Measure:
    """The share of `hits` [n], with an interval over groups."""
    n, successes = len(hits), int(hits.sum())
    if clusters is None or not n:
        return proportion(successes, n)
    return widened(proportion(successes, n), design(hits, clusters).effective)


def widened(plain: Measure, effective: float) -> Measure:
    """`plain` with the interval of `effective` independent samples."""
    low, high = wilson(plain.value * effective, effective)
    return plain.model_copy(update={"low": min(low, plain.value), "high": max(high, plain.value)})


def design(hits: Flags, clusters: Clusters) -> Design:
    """The effect of `clusters` on the share of `hits`; there is at least one sample."""
    sizes = clusters.sums(np.ones(len(hits)))
    right, n, groups = clusters.sums(hits), float(len(hits)), clusters.count
    least = n * n / float((sizes**2).sum())
    if groups == n:
        return Design(n, n, 1.0)
    if groups < 2:  # nothing is known about the variance between groups
        return Design(least, least, n / least)
    value = right.sum() / n
    expected = (value * groups + 1) / (groups + 2)
    extended = np.append(right, expected * sizes.mean()), np.append(sizes, sizes.mean())
    observed = min(_effective(right, sizes), n)
    cautious = min(_effective(*extended), observed)
    few = (student(groups - 1) / Z) ** 2
    effective = min(max(cautious / few, least), n)
    return Design(effective, least, few * observed / cautious)


def design_effects(influence: Numbers, clusters: Clusters) -> Numbers:
    """By how much groups raise the variance of means: at least 1 for each row of `influence`
    [means, n], the influence of each sample on each mean."""
    between = np.stack([clusters.sums(row) for row in influence])
    spread = clusters.count / max(clusters.count - 1, 1)
    alone = (influence**2).sum(axis=1)
    raised = spread * (between**2).sum(axis=1)
    ratio = np.divide(raised, alone, out=np.ones(len(influence)), where=alone > 1e-15)
    return np.asarray(np.maximum(ratio, 1.0))


def _effective(right: Numbers, sizes: Numbers) -> float:
    """The number of independent samples with the variance that the share of `right` has between
    groups of `sizes`; infinite if it has none."""
    n, groups = sizes.sum(), len(sizes)
    value = right.sum() / n
    between = ((right - value * sizes) ** 2).sum() / n**2 * groups / (groups - 1)
    return float(value * (1 - value) / between) if between > 1e-15 else float("inf")


def _numbered(index: Indices) -> Clusters:
    names, numbers = np.unique(index, return_inverse=True)
    return Clusters(numbers.astype(np.int64), len(names))
