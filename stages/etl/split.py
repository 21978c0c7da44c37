"""Puts each group of samples into train, validation or test, by its content alone.

A group's place on the line from 0 to 1 is the hash of its key; the shares cut the line. So a sample
keeps its split when others are added, on every machine, and a label's share is met on average, not
to the sample. The price of a share met exactly would be samples that move from test to train as
data grows.

Two things bend the rule. A label that would be left with less than two thirds of its share of test
or validation (at least one sample) borrows the nearest groups from train; it matters for labels of
a few dozen samples, and a borrowed sample may go back when the label grows. And a new near
duplicate joins its group, whose key is the smallest of its members': it may take the group to
another split."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Member:
    """A sample as splitting sees it: its group's key, its label, its given split or ''."""

    key: str
    label: str
    assigned: str = ""


def place_of(key: str, seed: int = 0) -> float:
    """The place of `key` on the line from 0 to 1: the same everywhere, whatever else there is."""
    return int.from_bytes(sha256(f"{seed}/{key}".encode()).digest()[:8]) / 2**64


def split(members: Sequence[Member], shares: Mapping[str, float], seed: int = 0) -> list[str]:
    """The split of each of `members`.

    A given split stays, except that splits which nobody gave are drawn from train and from those
    without one. `shares` are of train, validation and test; a share of 0 keeps a split empty."""
    fixed = {member.assigned for member in members} - {"", "train"}
    free = {name: share for name, share in shares.items() if name not in fixed}
    drawn = [member for member in members if member.assigned not in fixed]
    if len(free) == 1 or sum(free.values()) <= 0:
        return [member.assigned or "train" for member in members]
    chosen = _drawn(drawn, {name: free.get(name, 0.0) / sum(free.values()) for name in ORDER}, seed)
    return [
        member.assigned if member.assigned in fixed else chosen[member.key] for member in members
    ]


def _drawn(members: Sequence[Member], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    chosen = {member.key: _split_at(place_of(member.key, seed), shares) for member in members}
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for member in members:
        sizes[member.label][member.key] += 1
    for label in sorted(sizes):
        _even_out(sizes[label], shares, chosen, seed)
    return chosen


def _split_at(place: float, shares: Mapping[str, float]) -> str:
    for name in ORDER:
        if place < shares[name]:
            return name
        place -= shares[name]
    return max(shares, key=lambda name: shares[name])


def _even_out(
    sizes: Mapping[str, int], shares: Mapping[str, float], chosen: dict[str, str], seed: int
) -> None:
    """Move groups of one label, given with their sizes, to splits that have less than their least.

    They come from train if it can spare them, the nearest first, else from the third split."""
    least = {name: _least(sum(sizes.values()), shares[name]) for name in ORDER}
    have = {name: sum(sizes[key] for key in sizes if chosen[key] == name) for name in ORDER}
    nearest = sorted(sizes, key=lambda key: (-place_of(key, seed), key))
    for name in ("train", "test", "validation"):
        for donor in (split_name for split_name in ORDER if split_name != name):
            for key in nearest if donor == "train" else reversed(nearest):
                spare = have[donor] - sizes[key] >= least[donor]
                if have[name] < least[name] and chosen[key] == donor and spare:
                    chosen[key] = name
                    have[donor] -= sizes[key]
                    have[name] += sizes[key]


def _least(count: int, share: float) -> int:
    return max(1, round(2 / 3 * count * share)) if share > 0 else 0
