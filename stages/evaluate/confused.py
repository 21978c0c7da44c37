"""Labels that the model confuses, and what to do about it."""

from collections.abc import Sequence
from typing import NamedTuple

from stages.evaluate.formatting import percent, times

_PAIRS = 3
_OFTEN = 0.1  # a pair with fewer of all mistakes needs no advice


class ConfusedPair(NamedTuple):
    """Two confused labels. `there`: how often `label` is taken for `other`; `back`: the reverse."""

    label: str
    other: str
    there: int
    back: int

    @property
    def times(self) -> int:
        """The number of confusions in both directions."""
        return self.there + self.back


def pairs(confusion: list[list[int]], labels: Sequence[str]) -> list[ConfusedPair]:
    """The pairs of labels that were confused at least once, the most frequent first."""
    found = [
        ConfusedPair(labels[i], labels[j], confusion[i][j], confusion[j][i])
        for i in range(len(labels))
        for j in range(i + 1, len(labels))
    ]
    confused = [_turned(pair) for pair in found if pair.times]
    return sorted(confused, key=lambda pair: (-pair.times, pair.label, pair.other))


def _turned(pair: ConfusedPair) -> ConfusedPair:
    """`pair` with the more frequent direction first."""
    if pair.there >= pair.back:
        return pair
    return ConfusedPair(pair.other, pair.label, pair.back, pair.there)


def confusion_advice(
    confused: Sequence[ConfusedPair], wrong: int, noun: str, mistakes: str = "mistakes"
) -> list[str]:
    """A sentence on each of the few pairs that make up many of the `wrong` answers."""
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
        f"cannot tell them apart in such {noun}s either, take clearer ones, or join the labels."
    )
