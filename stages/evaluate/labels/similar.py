"""Similar labels: pairs that the model confuses more often than if mistakes fell evenly on all
labels, with the samples that show it."""

from math import comb
from typing import Any, NamedTuple

import numpy as np

from stages.artifacts import Measure
from stages.evaluate.formatting import measured, percent, times
from stages.evaluate.labels.pooled import PooledAnswers
from stages.metrics import proportion

CHANCE = 0.05  # probability that any pair is reported although mistakes fall evenly
FEWEST = 3  # mistakes between two labels
MOST, SHOWN = 4, 3  # pairs; samples of each label of a pair


class SimilarSample(NamedTuple):
    """A sample of the label `true` with a high score of the label `other`. `wrong`: it is taken for
    `other`. `row`: in the test, or -1 if it was held out in training."""

    digest: str
    row: int
    name: str
    true: str
    other: str
    score: float
    wrong: bool


class SimilarLabels(NamedTuple):
    """A pair of similar labels. `there`: how often `label` is taken for `other`; `back`: the
    reverse. `tested`, `held_out`: how many of these mistakes are in the test and among samples held
    out in training. `evenly`: the share of `label` that would be taken for `other` if its mistakes
    fell evenly on all labels. `samples`: of each of the two, most similar to the other first."""

    label: str
    other: str
    there: Measure
    back: Measure
    tested: int
    held_out: int
    evenly: float
    samples: tuple[tuple[SimilarSample, ...], tuple[SimilarSample, ...]]

    @property
    def summary(self) -> str:
        """Both directions in one sentence."""
        return (
            f"'{self.label}' is taken for '{self.other}' {times(self._count(self.there))} in "
            f"{self.there.n}, {measured(self.there)}; the reverse {times(self._count(self.back))} "
            f"in {self.back.n}, {measured(self.back)}. If mistakes with '{self.label}' fell evenly "
            f"on all labels, '{self.other}' would get {percent(self.evenly)}."
        )

    @staticmethod
    def _count(share: Measure) -> int:
        return round(share.value * share.n)

    @property
    def record(self) -> dict[str, Any]:
        """As JSON for metrics.json."""
        samples = [sample._asdict() for side in self.samples for sample in side]
        return {**self._asdict(), "samples": samples}


def similar_labels(pooled: PooledAnswers, other: int | None = None) -> tuple[SimilarLabels, ...]:
    """The pairs of similar labels, the most significant first. `other`: index of the label of
    unknown samples, which is left out.

    If the mistakes with two labels fell evenly, a share of 1 / (labels - 1) of them would be
    between these two. A pair is reported if so many mistakes or more would then have a probability
    of at most CHANCE / pairs (exact binomial test, Bonferroni correction)."""
    indices = [index for index in range(len(pooled.labels)) if index != other]
    pairs = [(i, j) for place, i in enumerate(indices) for j in indices[place + 1 :]]
    counts = pooled.confusion
    wrong = {i: int(counts[i, indices].sum() - counts[i, i]) for i in indices}
    found = []
    for i, j in pairs:
        count = int(counts[i, j] + counts[j, i])
        odds = _probability_of_at_least(count, wrong[i] + wrong[j], 1 / (len(indices) - 1))
        if count >= FEWEST and odds <= CHANCE / len(pairs):
            first = (i, j) if counts[i, j] >= counts[j, i] else (j, i)
            found.append((odds, *first, wrong[first[0]] / (len(indices) - 1)))
    return tuple(_pair(pooled, i, j, evenly) for _, i, j, evenly in sorted(found)[:MOST])


def _probability_of_at_least(count: int, of: int, share: float) -> float:
    """The probability of at least `count` in `of` draws of chance `share`."""
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))


def _pair(pooled: PooledAnswers, i: int, j: int, evenly: float) -> SimilarLabels:
    counts, tested = pooled.confusion, int(pooled.in_test[i, j] + pooled.in_test[j, i])
    has = counts.sum(axis=1)
    return SimilarLabels(
        pooled.labels[i],
        pooled.labels[j],
        proportion(int(counts[i, j]), int(has[i])),
        proportion(int(counts[j, i]), int(has[j])),
        tested,
        int(counts[i, j] + counts[j, i]) - tested,
        evenly / int(has[i]),
        (_most_similar(pooled, i, j), _most_similar(pooled, j, i)),
    )


def _most_similar(pooled: PooledAnswers, i: int, j: int) -> tuple[SimilarSample, ...]:
    """The samples of label `i` with the best scores of `j`."""
    mine = np.flatnonzero(pooled.scored.truth == i)
    scores = pooled.scored.scores[mine, j]
    return tuple(
        SimilarSample(
            pooled.digests[place],
            int(place) if place < pooled.tested else -1,
            pooled.names[place],
            pooled.labels[i],
            pooled.labels[j],
            float(pooled.scored.scores[place, j]),
            bool(pooled.scored.predicted[place] == j),
        )
        for place in mine[np.argsort(-scores, kind="stable")][:SHOWN]
    )
