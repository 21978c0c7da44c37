"""`SuccessiveHalving` behind Ray Tune's searcher interface."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from stages.runtime.errors import InfrastructureError
from stages.train.search.successive_halving import RungBudget, SuccessiveHalving, TrialResult


class SearchAdapter(Searcher):  # type: ignore[misc]
    """Each config that Tune gets is a rung budget. While the next one depends on trials that still
    run, `suggest` returns None and Tune waits.

    `next`: the next budget to train; `done`: takes its result; `report_epoch`: takes the curve of
    a trial in training."""

    def __init__(
        self,
        halving: SuccessiveHalving,
        next: Callable[[], RungBudget | None],
        done: Callable[[RungBudget, TrialResult], None],
        report_epoch: Callable[[RungBudget, list[dict[str, float]]], None],
    ) -> None:
        super().__init__(metric="training_iteration", mode="max")  # not used; Tune wants one
        self.halving = halving
        self.next = next
        self.done = done
        self.word = report_epoch
        self.out: dict[str, RungBudget] = {}
        self.failure: Exception | None = None

    def suggest(self, trial_id: str) -> Any:
        if self.failure or self.halving.finished:
            return Searcher.FINISHED
        budget = self._next()
        if budget is None:
            return Searcher.FINISHED if self.failure or self.halving.finished else None
        self.out[trial_id] = budget
        return {
            "number": budget.number,
            "epochs": budget.epochs,
            "hyperparameters": budget.hyperparameters,
        }

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        try:
            self.word(self.out[trial_id], result["curve"])
        except Exception as failure:
            self.failure = self.failure or failure

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        budget = self.out.pop(trial_id, None)
        if budget is None:
            return  # told before
        try:
            if error or not result:
                raise _failed(budget)
            self.done(budget, result["taught"])
        except Exception as failure:  # Tune would take it for the trial's and try again
            self.failure = self.failure or failure

    def _next(self) -> RungBudget | None:
        try:
            return self.next()
        except Exception as failure:  # Tune would take it for its own
            self.failure = self.failure or failure
            return None

    def __getstate__(self) -> dict[str, Any]:
        """Tune keeps a copy for resuming, which is not how a search of ours is taken up again; what
        hears of results (a run with its threads) could not be copied."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing is saved: a search that was killed begins again, and comes to the same."""

    def restore(self, checkpoint_path: str) -> None: ...


def _failed(budget: RungBudget) -> InfrastructureError:
    return InfrastructureError(
        f"Trial {budget.number} failed three times: {budget.hyperparameters}.",
        "Free some memory, or search without what this trial has; features are kept.",
    )
