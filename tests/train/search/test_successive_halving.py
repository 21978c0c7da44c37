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
    """Proposes the numbers 0, 1, 2, …, and keeps the scores it learns."""

    tries_defaults_first = True

    def __init__(self) -> None:
        self.proposed = 0
        self.heard: list[tuple[int, float]] = []
        self.learnt_at: dict[int, int] = {}

    def propose(self, count: int) -> list[dict]:
        first, self.proposed = self.proposed, self.proposed + count
        for number in range(first, self.proposed):
            self.learnt_at[number] = len(self.heard)
        return [{"x": number} for number in range(first, self.proposed)]

    def learn(self, trials: Sequence[tuple[dict, float]]) -> None:
        self.heard += [(hyperparameters["x"], score) for hyperparameters, score in trials]


def halving(
    searcher: Counting, total: int = 24, default_sets: list[dict] | None = None
) -> SuccessiveHalving:
    return SuccessiveHalving(
        searcher, default_sets or [], total=total, size=8, keep=3, rungs=(2, 6, 18)
    )


def score(budget: RungBudget) -> float:
    return (budget.hyperparameters["x"] * 7 % 10) + budget.epochs / 100


def run(search: SuccessiveHalving, workers: int, seed: int = 0) -> None:
    """Finish all budgets, `workers` at a time, in an order drawn from `seed`."""
    rng = random.Random(seed)
    out: list[RungBudget] = []
    while not search.finished:
        while len(out) < workers and (budget := search.next()):
            out.append(budget)
        assert out, "nothing runs and nothing is given out"
        budget = out.pop(rng.randrange(len(out)))
        search.report(budget, score(budget), TrialResult({}, 1, False, [], b""))


def summary(search: SuccessiveHalving) -> list[tuple]:
    return [
        (trial.number, trial.hyperparameters["x"], trial.reached, trial.score)
        for trial in search.trials
    ]


def test_one_in_three_goes_on_after_each_rung():
    search = halving(Counting(), total=8)

    run(search, workers=1)

    assert sorted(trial.reached for trial in search.trials) == [2, 2, 2, 2, 2, 6, 6, 18]
    winner = max(search.trials, key=lambda trial: trial.score)
    assert winner.reached == 18


@pytest.mark.parametrize("workers", [1, 2, 3, 20])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_order_in_which_budgets_end_changes_nothing(workers: int, seed: int):
    first, second = Counting(), Counting()
    alone, several = halving(first), halving(second)
    run(alone, workers=1)

    run(several, workers, seed)

    assert summary(several) == summary(alone)
    assert first.learnt_at == second.learnt_at


def test_a_batch_is_proposed_knowing_all_batches_but_the_last():
    searcher = Counting()

    run(halving(searcher, total=32), workers=2)

    assert [searcher.learnt_at[number] for number in (0, 8, 16, 24)] == [0, 0, 8, 16]
    assert [number for number, _ in searcher.heard] == list(range(len(searcher.heard)))


def test_equal_scores_go_by_number():
    search = SuccessiveHalving(Counting(), [], total=6, size=6, keep=3, rungs=(1, 2))

    for budget in [search.next() for _ in range(6)][::-1]:
        search.report(budget, 0.5, TrialResult({}, 1, False, [], b""))

    assert [search.next().number for _ in range(2)] == [0, 1]


def test_trials_are_compared_with_those_of_their_kind():
    def kind(hyperparameters: dict) -> str:
        return "slow" if hyperparameters["x"] >= 4 else "quick"

    search = SuccessiveHalving(Counting(), [], total=6, size=6, keep=3, rungs=(1, 2), kind=kind)

    for budget in [search.next() for _ in range(6)]:
        search.report(budget, 1 - budget.number / 10, TrialResult({}, 1, False, [], b""))

    assert [search.next().number for _ in range(3)] == [0, 1, 4]
    assert search.next() is None


def test_an_exhausted_trial_ends_and_keeps_its_place():
    search = SuccessiveHalving(Counting(), [], total=3, size=3, keep=3, rungs=(1, 2))
    budgets = [search.next() for _ in range(3)]

    for budget, value in zip(budgets, (0.9, 0.5, 0.4), strict=True):
        search.report(budget, value, TrialResult({}, 1, budget.number == 0, [], b""))

    assert search.finished
    assert [trial.reached for trial in search.trials] == [1, 1, 1]


def test_given_sets_come_first_and_are_learnt():
    searcher = Counting()
    search = halving(searcher, total=24, default_sets=[{"x": 100}, {"x": 101}])

    run(search, workers=2)

    assert [trial.hyperparameters["x"] for trial in search.trials][:4] == [100, 101, 0, 1]
    assert searcher.heard[0][0] == 100


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(60, (6, 20, 60)), (4, (4,)), (15, (5, 15)), (1, (1,))]
)
def test_rungs_end_at_all_epochs_and_begin_at_some_few(epochs: int, rungs: tuple):
    assert rungs_of(epochs, 3) == rungs


def test_an_uninformed_searcher_begins_without_plain_sets():
    searcher = Counting()
    searcher.tries_defaults_first = False
    search = halving(searcher, total=4, default_sets=[{"x": 100}])

    assert search.next().hyperparameters == {"x": 0}
