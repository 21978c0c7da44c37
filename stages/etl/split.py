"""Assigns each group of samples to train, validation or test, by its content alone.

The hash of a group's key is a number from 0 to 1; the splits are consecutive intervals of that
range, as wide as their shares. So a sample keeps its split when others are added, on every machine.
A label's shares are met on average, not exactly: exact shares would move samples from test to train
as the data grows.

There are two exceptions. A label that would get less than two thirds of its share of test or
validation (at least one sample) takes the nearest groups from train; this matters for labels with a
few dozen samples, and such a sample may move back when the label grows. And a new near duplicate
joins its group, whose key is the smallest of its members' keys, and may move the group to another
split."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Member:
    """What splitting needs of a sample: its group's key, its label, its given split or ''."""

    key: str
    label: str
    assigned: str = ""


def place_of(key: str, seed: int = 0) -> float:
    """The hash of `key` as a number from 0 to 1: equal on every machine and in every dataset."""
    return int.from_bytes(sha256(f"{seed}/{key}".encode()).digest()[:8]) / 2**64


def split(members: Sequence[Member], shares: Mapping[str, float], seed: int = 0) -> list[str]:
    """The split of each of `members`.

    Given splits are kept, except that splits which no member is given are drawn from train and from
    the members without one. `shares`: of train, validation and test; a share of 0 keeps a split
    empty."""
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
    """Move groups of one label, with their `sizes`, to splits with fewer samples than required.

    They are taken from train if it has enough, the nearest first, else from the third split."""
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
