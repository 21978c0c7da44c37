"""Labels that are taken for each other, and what to do about it."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.evaluate.formatting import percent, times

_PAIRS = 3
_OFTEN = 0.1  # a pair with fewer of all mistakes needs no advice


class ConfusedPair(NamedTuple):
    """Two labels that are confused: so often `one` is taken for `other`, so often the reverse."""

    label: str
    other: str
    there: int
    back: int

    @property
    def times(self) -> int:
        return self.there + self.back


def pairs(confusion: list[list[int]], labels: Sequence[str]) -> list[ConfusedPair]:
    """The pairs of labels that are confused at all, the most often confused first."""
    found = [
        ConfusedPair(labels[i], labels[j], confusion[i][j], confusion[j][i])
        for i in range(len(labels))
        for j in range(i + 1, len(labels))
    ]
    confused = [_turned(pair) for pair in found if pair.times]
    return sorted(confused, key=lambda pair: (-pair.times, pair.label, pair.other))


def _turned(pair: ConfusedPair) -> ConfusedPair:
    """The commoner direction first."""
    one, other, there, back = pair
    return pair if there >= back else ConfusedPair(other, one, back, there)


def confusion_advice(
    confused: Sequence[ConfusedPair], wrong: int, noun: str, mistakes: str = "mistakes"
) -> list[str]:
    """A sentence on each of the few pairs that are behind many of the `wrong` answers."""
    return [_pair_advice(pair, wrong, noun, mistakes) for pair in _often(confused, wrong)]


def _often(confused: Sequence[ConfusedPair], wrong: int) -> list[ConfusedPair]:
    often = [pair for pair in confused if pair.times > 1 and pair.times >= _OFTEN * wrong]
    return often[:_PAIRS]


def _pair_advice(pair: ConfusedPair, wrong: int, noun: str, mistakes: str) -> str:
    directions = f"'{pair.label}' is taken for '{pair.other}' {times(pair.there)}"
    if pair.back:
        directions += f", the reverse {times(pair.back)}"
    share = percent(round(pair.times / wrong, 2))
    return (
        f"Look at how these two differ: {directions} ({share} of all {mistakes}). If a person "
        f"cannot tell them apart in such {noun}s, take clearer ones, or make them one label."
    )
