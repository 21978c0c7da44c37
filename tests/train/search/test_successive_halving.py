"""Successive halving is decided by results and numbers, never by who came first."""

import random
from collections.abc import Sequence

import pytest

from stages.train.search.successive_halving import (
    RungBudget,
    SuccessiveHalving,
    TrialResult,
    rungs_of,
)


class Counting:
    """Proposes the numbers 0, 1, 2, …, and keeps what it is told."""

    informed = True

    def __init__(self) -> None:
        self.proposed = 0
        self.heard: list[tuple[int, float]] = []
        self.known_at: dict[int, int] = {}

    def propose(self, count: int) -> list[dict]:
        first, self.proposed = self.proposed, self.proposed + count
        for number in range(first, self.proposed):
            self.known_at[number] = len(self.heard)
        return [{"x": number} for number in range(first, self.proposed)]

    def learn(self, trials: Sequence[tuple[dict, float]]) -> None:
        self.heard += [(one["x"], score) for one, score in trials]


def halving(
    searcher: Counting, total: int = 24, starts: list[dict] | None = None
) -> SuccessiveHalving:
    return SuccessiveHalving(searcher, starts or [], total=total, size=8, keep=3, rungs=(2, 6, 18))


def score(leg: RungBudget) -> float:
    return (leg.hyperparameters["x"] * 7 % 10) + leg.epochs / 100


def run(search: SuccessiveHalving, workers: int, seed: int = 0) -> None:
    """Do all legs, `workers` at a time, ending in an order drawn from `seed`."""
    rng = random.Random(seed)
    out: list[RungBudget] = []
    while not search.finished:
        while len(out) < workers and (leg := search.next()):
            out.append(leg)
        assert out, "nothing runs and nothing is given out"
        leg = out.pop(rng.randrange(len(out)))
        search.report(leg, score(leg), TrialResult({}, 1, False, [], b""))


def summary(search: SuccessiveHalving) -> list[tuple]:
    return [(one.number, one.hyperparameters["x"], one.reached, one.score) for one in search.trials]


def test_one_in_three_goes_on_after_each_rung():
    search = halving(Counting(), total=8)

    run(search, workers=1)

    assert sorted(one.reached for one in search.trials) == [2, 2, 2, 2, 2, 6, 6, 18]
    winner = max(search.trials, key=lambda one: one.score)
    assert winner.reached == 18


@pytest.mark.parametrize("workers", [1, 2, 3, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_in_which_legs_end_changes_nothing(workers: int, seed: int):
    one, other = Counting(), Counting()
    alone, crowd = halving(one), halving(other)
    run(alone, workers=1)

    run(crowd, workers, seed)

    assert summary(crowd) == summary(alone)
    assert one.known_at == other.known_at


def test_a_batch_is_proposed_knowing_all_batches_but_the_last():
    searcher = Counting()

    run(halving(searcher, total=32), workers=2)

    assert [searcher.known_at[number] for number in (0, 8, 16, 24)] == [0, 0, 8, 16]
    assert [number for number, _ in searcher.heard] == list(range(len(searcher.heard)))


def test_equal_scores_go_by_number():
    search = SuccessiveHalving(Counting(), [], total=6, size=6, keep=3, rungs=(1, 2))

    for leg in [search.next() for _ in range(6)][::-1]:
        search.report(leg, 0.5, TrialResult({}, 1, False, [], b""))

    assert [search.next().number for _ in range(2)] == [0, 1]


def test_trials_are_compared_with_those_of_their_kind():
    def kind(hyperparameters: dict) -> str:
        return "slow" if hyperparameters["x"] >= 4 else "quick"

    search = SuccessiveHalving(Counting(), [], total=6, size=6, keep=3, rungs=(1, 2), kind=kind)

    for leg in [search.next() for _ in range(6)]:
        search.report(leg, 1 - leg.number / 10, TrialResult({}, 1, False, [], b""))

    assert [search.next().number for _ in range(3)] == [0, 1, 4]
    assert search.next() is None


def test_an_exhausted_trial_ends_and_keeps_its_place():
    search = SuccessiveHalving(Counting(), [], total=3, size=3, keep=3, rungs=(1, 2))
    legs = [search.next() for _ in range(3)]

    for leg, value in zip(legs, (0.9, 0.5, 0.4), strict=True):
        search.report(leg, value, TrialResult({}, 1, leg.number == 0, [], b""))

    assert search.finished
    assert [one.reached for one in search.trials] == [1, 1, 1]


def test_given_sets_come_first_and_are_learnt():
    searcher = Counting()
    search = halving(searcher, total=24, starts=[{"x": 100}, {"x": 101}])

    run(search, workers=2)

    assert [one.hyperparameters["x"] for one in search.trials][:4] == [100, 101, 0, 1]
    assert searcher.heard[0][0] == 100


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(60, (6, 20, 60)), (4, (4,)), (15, (5, 15)), (1, (1,))]
)
def test_rungs_end_at_all_epochs_and_begin_at_some_few(epochs: int, rungs: tuple):
    assert rungs_of(epochs, 3) == rungs


def test_who_is_to_be_told_nothing_begins_with_no_plain_sets():
    searcher = Counting()
    searcher.informed = False
    search = halving(searcher, total=4, starts=[{"x": 100}])

    assert search.next().hyperparameters == {"x": 0}
