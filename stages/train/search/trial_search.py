"""The search over heads: `successive_halving.py` decides, workers of Ray train."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stages.closure import code_of
from stages.config import TrainConfig
from stages.memo import CachedContent, Scope
from stages.parts import SEARCHERS
from stages.resources import Resources
from stages.store import Store
from stages.train.distributed.cluster import cluster
from stages.train.distributed.executor import Executor
from stages.train.distributed.room import MB, worker_bytes
from stages.train.heads.problem import Problem
from stages.train.search.search_space import dimensions, learner_of, starts
from stages.train.search.successive_halving import (
    RungBudget,
    SuccessiveHalving,
    Trial,
    TrialResult,
    rungs_of,
)
from stages.train.search.trial_worker import TrialPiece, TrialWorker

ARRAYS = "arrays.npz"  # the file of a cached result
ROOM = 128 * MB  # for heads, their gradients and batches
REMEDY = "Free some memory, or search without what this trial has; features are kept."
ReportRung = Callable[[SuccessiveHalving], None]
Curve = list[dict[str, float]]
ReportEpoch = Callable[[int, dict[str, Any], int, int, Curve], None]


def search(
    problem: Problem,
    config: TrainConfig,
    trials: int,
    resources: Resources,
    report_rung: ReportRung,
    report_epoch: ReportEpoch = lambda *_: None,
    *,
    store: Store,
) -> list[Trial]:
    """Train `trials` heads under successive halving; return all trials, by number. Results that an
    interrupted search of the same kind left in the cache of `store` are used again.

    `report_rung` is called after every finished rung budget; `report_epoch` about once a second
    for a trial in training: its number, hyperparameters, epoch, most epochs, curve so far.
    Equal arguments give equal trials, on any number of cores. Raises InfrastructureError if Ray
    does not come up or a trial fails three times."""
    space = dimensions(config)
    halving = SuccessiveHalving(
        SEARCHERS[config.searcher](space, config.seed),
        starts(space),
        total=trials,
        size=config.batch,
        keep=config.halving,
        rungs=rungs_of(config.epochs, config.halving),
        kind=learner_of(config),
    )
    session = _SearchSession(
        halving, cache_of(problem, config, store), config.metric, report_rung, report_epoch
    )
    if (first := session.next()) is not None:
        halving.waiting.insert(0, first.budget)
        shared = sum(array.nbytes for array in problem.features.values())
        # heads and small networks train faster on a processor than it takes to send them to a GPU
        wanted = {"CPU": 1.0, "memory": float(worker_bytes(_each(problem)))}
        with (
            cluster(resources, shared),
            Executor(
                TrialWorker,
                (problem, config.patience),
                wanted=wanted,
                workers=2 * config.batch,  # two batches are in training at a time
                remedy=REMEDY,
            ) as executor,
        ):
            executor.run(session)
    return halving.trials


def cache_of(problem: Problem, config: TrainConfig, store: Store) -> Scope:
    """Where the results of rung budgets are cached until the search's model is saved."""
    return store.memo.scope(["search", problem, config.patience], code_of("stages.train"))


def score_of(measures: dict[str, float], metric: str) -> float:
    """The higher, the better."""
    return -measures[metric] if metric == "log_loss" else measures[metric]


@dataclass(frozen=True)
class _SearchSession:
    """Connects the decisions of a search with its workers: gives budgets out, takes results."""

    halving: SuccessiveHalving
    cache: Scope
    metric: str
    report_rung: ReportRung
    report_epoch: ReportEpoch
    states: dict[int, Any] = field(default_factory=dict)  # by trial: what its last budget left

    def next(self) -> TrialPiece | None:
        """The next budget whose result is not cached; cached ones before it are reported."""
        while budget := self.halving.next():
            if cached := self.cache.find(budget.key):
                self._record(budget, TrialResult(**cached.facts, arrays=cached.data(ARRAYS)))
            else:
                return TrialPiece(budget, self.states.pop(budget.number, None))
        return None

    def on_report(self, piece: TrialPiece, curve: Curve) -> None:
        """Report the `curve` so far of a trial in training."""
        budget, last = piece.budget, self.halving.rungs[-1]
        self.report_epoch(budget.number, budget.hyperparameters, len(curve), last, curve)

    def resume(self, piece: TrialPiece) -> TrialPiece:
        """Train it again from where its last budget ended."""
        return piece

    def on_result(self, piece: TrialPiece, outcome: tuple[TrialResult, dict[str, Any]]) -> None:
        """Cache and report what came of `piece`."""
        (result, state), budget = outcome, piece.budget
        self.cache.keep(budget.key, CachedContent(result.facts, {ARRAYS: result.arrays}))
        self.on_report(piece, result.curve)
        self.states[budget.number] = state
        self._record(budget, result)
        for trial in self.halving.trials:
            if trial.ended:
                self.states.pop(trial.number, None)

    def _record(self, budget: RungBudget, result: TrialResult) -> None:
        self.halving.report(budget, score_of(result.measures, self.metric), result)
        self.report_rung(self.halving)


def _each(problem: Problem) -> int:
    """Bytes that a worker takes beside Paddle and shared data: all features, standardised, and
    twice the largest meanwhile."""
    sizes = [array.nbytes for array in problem.features.values()]
    return ROOM + int(sum(sizes) + 2 * max(sizes))
