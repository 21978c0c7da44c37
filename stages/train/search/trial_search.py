"""Searches over heads and networks from scratch: `successive_halving.py` decides, and workers on
Ray train."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stages.closure import code_of
from stages.config import TrainConfig
from stages.memo import CachedContent, Scope
from stages.parts import SEARCHERS
from stages.resources import Resources
from stages.store import Store
from stages.train.architecture.arms import ArchitectureSearch
from stages.train.architecture.counted_limits import limits_of
from stages.train.architecture.repeats import train_repeats
from stages.train.distributed.executor import worker_pool
from stages.train.distributed.memory import MB
from stages.train.heads.problem import Problem
from stages.train.search.picked_trial import PickedTrial
from stages.train.search.search_space import Dimension, default_sets, dimensions, learner_of
from stages.train.search.successive_halving import (
    FixedSets,
    Hyperparameters,
    RungBudget,
    Searcher,
    SuccessiveHalving,
    Trial,
    TrialResult,
    rungs_of,
)
from stages.train.search.trial_worker import TrialPiece, TrialWorker

ARRAYS = "arrays.npz"  # the file of a cached result that has its arrays
HEAD_BYTES = 128 * MB  # of a worker's memory, for heads, their gradients and batches
REMEDY = "Free some memory, or take this trial's input out of the search; features are kept."
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
    """Train `trials` heads, or networks from scratch, under successive halving; return all trials,
    by number. Results that an interrupted search with equal arguments left in the cache of `store`
    are used again; Ray is not started if all are there.

    `report_rung` is called after every finished rung budget; `report_epoch` about once a second for
    a trial in training, with its number, hyperparameters, epoch, the epochs of the last rung, and
    the curve so far. Equal arguments give equal trials, on any number of cores. Raises
    InfrastructureError if Ray does not come up or a trial fails three times."""
    halving = _halving_of(problem, config, trials)
    cache = cache_of(problem, config, store)
    session = _SearchSession(halving, cache, config.metric, report_rung, report_epoch)
    _run(session, problem, config, resources)
    if not config.has_repeats:
        return halving.trials

    def train_sets(sets: Sequence[Hyperparameters], first: int) -> list[Trial]:
        return _train_sets(sets, first, cache, problem, config, resources, report_epoch)

    repeats = train_repeats(halving.trials, config, problem.samples, train_sets)
    return halving.trials + repeats


def _halving_of(problem: Problem, config: TrainConfig, trials: int) -> SuccessiveHalving:
    """The search of `config` for `trials` trials, of which none is trained."""
    space = dimensions(config)
    learner = learner_of(config)
    searcher = _searcher(problem, config, space)
    return SuccessiveHalving(
        searcher,
        default_sets(space),
        total=trials,
        size=getattr(searcher, "batch", config.batch),
        keep=config.halving,
        rungs=rungs_of(config.epochs, config.halving),
        # a policy learns from what it proposed last
        ahead=0 if config.architecture == "search" else 1,
        kind=lambda hyperparameters: hyperparameters.get("arm") or learner(hyperparameters),
    )


def _train_sets(
    sets: Sequence[Hyperparameters],
    first: int,
    cache: Scope,
    problem: Problem,
    config: TrainConfig,
    resources: Resources,
    report_epoch: ReportEpoch,
) -> list[Trial]:
    """The trials of `sets` of hyperparameters, trained to their end, with numbers from `first`."""
    halving = SuccessiveHalving(
        FixedSets(sets),
        [],
        total=len(sets),
        size=max(1, len(sets)),
        keep=config.halving,
        rungs=(config.epochs,),
    )

    def report(number: int, *progress: Any) -> None:
        report_epoch(first + number, *progress)

    _run(
        _SearchSession(halving, cache, config.metric, lambda _: None, report),
        problem,
        config,
        resources,
    )
    return [replace(trial, number=first + trial.number) for trial in halving.trials]


def _run(
    session: "_SearchSession", problem: Problem, config: TrainConfig, resources: Resources
) -> None:
    """Train what `session` decides, on Ray; not at all if all results are cached."""
    if (first := session.next()) is not None:
        session.halving.waiting.insert(0, first.rung)
        # heads and small networks train faster on a processor than it takes to send them to a GPU
        with worker_pool(
            TrialWorker,
            (problem, config.patience),
            resources,
            shared_bytes=sum(array.nbytes for array in problem.features.values()),
            worker_data=_worker_data_bytes(problem),
            workers=2 * config.batch,  # two batches are in training at a time
            remedy=REMEDY,
        ) as executor:
            executor.run(session)


def _searcher(problem: Problem, config: TrainConfig, space: Sequence[Dimension]) -> Searcher:
    """What proposes the trials of `config`."""
    if config.picked:
        return PickedTrial(config)
    if config.architecture == "search":
        return _architecture_search(problem, config)
    searcher: Searcher = SEARCHERS[config.searcher](space, config.seed)
    return searcher


def _architecture_search(problem: Problem, config: TrainConfig) -> ArchitectureSearch:
    """The searcher of architectures for the windows of `problem`, of which there is one input."""
    [windows] = problem.features.values()
    shape = windows.values.shape[1:]
    return ArchitectureSearch(config, limits_of(config, shape, problem.classes, problem.folds))


def cache_of(problem: Problem, config: TrainConfig, store: Store) -> Scope:
    """The part of the cache that has the results of rung budgets until the search's model is
    saved."""
    return store.memo.scope(["search", problem, config.patience], code_of("stages.train"))


def score_of(measures: dict[str, float], metric: str) -> float:
    """The score of a trial with `measures`: its `metric`, negated if it is log_loss, so that higher
    is better."""
    return -measures[metric] if metric == "log_loss" else measures[metric]


@dataclass(frozen=True)
class _SearchSession:
    """Connects the decisions of a search with its workers: an executor's Source that gives rung
    budgets out and takes results."""

    halving: SuccessiveHalving
    cache: Scope
    metric: str
    report_rung: ReportRung
    report_epoch: ReportEpoch
    # by number of a trial that may continue: the state of its fit after its last rung
    states: dict[int, Any] = field(default_factory=dict)

    def next(self) -> TrialPiece | None:
        """The next rung budget whose result is not cached. Cached results are reported
        meanwhile."""
        while rung := self.halving.next():
            if cached := self.cache.find(rung.key):
                self._record(rung, TrialResult(**cached.facts, arrays=cached.data(ARRAYS)))
            else:
                return TrialPiece(rung, self.states.pop(rung.number, None))
        return None

    def on_report(self, piece: TrialPiece, curve: Curve) -> None:
        """Pass on the `curve` so far of a trial in training."""
        rung, last = piece.rung, self.halving.rungs[-1]
        self.report_epoch(rung.number, rung.hyperparameters, len(curve), last, curve)

    def resume(self, piece: TrialPiece) -> TrialPiece:
        """The same piece: the trial is trained again from the end of its last rung, or from its
        first epoch if that rung's result came from the cache."""
        return piece

    def on_result(self, piece: TrialPiece, outcome: tuple[TrialResult, dict[str, Any]]) -> None:
        """Cache and report the result of `piece`; `outcome`: as `TrialWorker.work` returns it."""
        (result, state), rung = outcome, piece.rung
        self.cache.keep(rung.key, CachedContent(result.facts, {ARRAYS: result.arrays}))
        self.on_report(piece, result.curve)
        self.states[rung.number] = state
        self._record(rung, result)
        for trial in self.halving.trials:
            if trial.ended:
                self.states.pop(trial.number, None)

    def _record(self, rung: RungBudget, result: TrialResult) -> None:
        self.halving.report(rung, score_of(result.measures, self.metric), result)
        self.report_rung(self.halving)


def _worker_data_bytes(problem: Problem) -> int:
    """Bytes that a worker allocates beside Paddle and the shared data: the standardised features of
    all inputs, and twice those of the largest input while they are computed."""
    sizes = [array.nbytes for array in problem.features.values()]
    return HEAD_BYTES + int(sum(sizes) + 2 * max(sizes))
