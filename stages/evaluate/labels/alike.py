"""Labels that look alike to the model: pairs that are taken for each other more often than mistakes
that fall evenly on all labels would bring, with the samples that show it."""

from math import comb
from typing import Any, NamedTuple

import numpy as np

from stages.artifacts import Measure
from stages.evaluate.labels.told import Told
from stages.evaluate.words import measured, percent, times
from stages.metrics import proportion

CHANCE = 0.05  # that any pair at all is told where mistakes fall evenly
FEWEST = 3  # mistakes between two labels
MOST, SHOWN = 4, 3  # pairs; samples of each label of a pair


class Look(NamedTuple):
    """A sample of `true` with its score of `other`, which it is `wrong`ly taken for or nearly;
    `row` of the test, or -1 if it was held out in training."""

    digest: str
    row: int
    name: str
    true: str
    other: str
    score: float
    wrong: bool


class Alike(NamedTuple):
    """How often `one` is taken for `other`, and how often the reverse; `tested`, `held_out`: how
    many of these mistakes were made in the test and in training; `evenly`: how often `one` would be
    taken for `other` if its mistakes fell evenly on all labels. `looks`: samples of each of the
    two, those most like the other first."""

    one: str
    other: str
    there: Measure
    back: Measure
    tested: int
    held_out: int
    evenly: float
    looks: tuple[tuple[Look, ...], tuple[Look, ...]]

    @property
    def says(self) -> str:
        """It, in words."""
        return (
            f"'{self.one}' is taken for '{self.other}' {times(self._count(self.there))} in "
            f"{self.there.n}, {measured(self.there)}; the reverse {times(self._count(self.back))} "
            f"in {self.back.n}, {measured(self.back)}. If mistakes with '{self.one}' fell evenly "
            f"on all labels, '{self.other}' would get {percent(self.evenly)}."
        )

    @staticmethod
    def _count(share: Measure) -> int:
        return round(share.value * share.n)

    @property
    def record(self) -> dict[str, Any]:
        """It, for metrics.json."""
        looks = [one._asdict() for side in self.looks for one in side]
        return {**self._asdict(), "looks": looks}


def alike(told: Told, other: int | None = None) -> tuple[Alike, ...]:
    """The pairs of labels that look alike, the surest first; `other`: a label that says that a
    sample has none.

    Of all mistakes with two labels, no more than one in (labels - 1) would be between these two if
    they fell evenly; a pair is told if that many or more are as good as impossible then (exact
    binomial tail, divided by the number of pairs that are looked at)."""
    known = [index for index in range(len(told.labels)) if index != other]
    pairs = [(i, j) for place, i in enumerate(known) for j in known[place + 1 :]]
    counts = told.confusion
    wrong = {i: int(counts[i, known].sum() - counts[i, i]) for i in known}
    found = []
    for i, j in pairs:
        count = int(counts[i, j] + counts[j, i])
        odds = _tail(count, wrong[i] + wrong[j], 1 / (len(known) - 1))
        if count >= FEWEST and odds <= CHANCE / len(pairs):
            first = (i, j) if counts[i, j] >= counts[j, i] else (j, i)
            found.append((odds, *first, wrong[first[0]] / (len(known) - 1)))
    return tuple(_pair(told, i, j, evenly) for _, i, j, evenly in sorted(found)[:MOST])


def _tail(count: int, of: int, share: float) -> float:
    """The probability of at least `count` in `of` draws of chance `share`."""
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count, of + 1))


def _pair(told: Told, i: int, j: int, evenly: float) -> Alike:
    counts, tested = told.confusion, int(told.in_test[i, j] + told.in_test[j, i])
    has = counts.sum(axis=1)
    return Alike(
        told.labels[i],
        told.labels[j],
        proportion(int(counts[i, j]), int(has[i])),
        proportion(int(counts[j, i]), int(has[j])),
        tested,
        int(counts[i, j] + counts[j, i]) - tested,
        evenly / int(has[i]),
        (_looks(told, i, j), _looks(told, j, i)),
    )


def _looks(told: Told, i: int, j: int) -> tuple[Look, ...]:
    """The samples of label `i` with the best scores of `j`."""
    mine = np.flatnonzero(told.scored.truth == i)
    scores = told.scored.scores[mine, j]
    return tuple(
        Look(
            told.digests[place],
            int(place) if place < told.tested else -1,
            told.names[place],
            told.labels[i],
            told.labels[j],
            float(told.scored.scores[place, j]),
            bool(told.scored.given[place] == j),
        )
        for place in mine[np.argsort(-scores, kind="stable")][:SHOWN]
    )
