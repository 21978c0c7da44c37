"""Where samples go: by content alone, so that they stay when others come."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.etl.split import Member, split

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def members(count: int, label: str = "cat", start: int = 0) -> list[Member]:
    return [Member(f"{label}-{index}", label) for index in range(start, start + count)]


def test_shares_are_met_on_average():
    counted = Counter(split(members(10_000), SHARES))

    for name, share in SHARES.items():
        assert counted[name] / 10_000 == pytest.approx(share, abs=0.01)


def test_samples_keep_their_split_when_others_are_added():
    old = members(300) + members(300, "dog")
    new = members(200, start=300) + members(100, "dog", 300) + members(50, "owl")

    before, after = split(old, SHARES), split(old + new, SHARES)

    assert after[: len(old)] == before


def test_order_does_not_matter():
    some = members(50) + members(20, "dog")

    forth, back = split(some, SHARES), split(some[::-1], SHARES)

    assert forth == back[::-1]


def test_another_seed_splits_otherwise():
    assert split(members(50), SHARES, seed=0) != split(members(50), SHARES, seed=1)


@pytest.mark.parametrize("count", [3, 4, 5, 8, 12, 20, 40])
def test_a_small_label_is_in_every_split(count):
    for seed in range(60):
        counted = Counter(split(members(count), SHARES, seed))

        assert min(counted[name] for name in SHARES) >= max(1, round(0.1 * count))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), min_size=1), st.integers(0, 9)
)
def test_a_group_is_never_parted(drawn, seed):
    some = [Member(f"g{group}", label) for group, label in drawn]

    chosen = split(some, SHARES, seed)

    homes: dict[str, set[str]] = {}
    for member, name in zip(some, chosen, strict=True):
        homes.setdefault(member.key, set()).add(name)
    assert all(len(names) == 1 for names in homes.values())


def test_given_splits_stay():
    assigned = [
        Member(str(i), "cat", name) for i, name in enumerate(["train", "validation", "test"] * 5)
    ]

    assert split(assigned, SHARES) == ["train", "validation", "test"] * 5


def test_a_split_that_nobody_gave_is_drawn_from_train():
    some = [Member(f"{i}", "cat", "test" if i < 40 else "train") for i in range(200)]

    counted = Counter(split(some, SHARES))

    assert counted["test"] == 40
    assert 15 <= counted["validation"] <= 45
    assert split(some, SHARES)[:40] == ["test"] * 40


def test_a_share_of_nought_keeps_a_split_empty():
    chosen = split(members(50), {"train": 0.8, "validation": 0.0, "test": 0.2})

    assert set(chosen) == {"train", "test"}
