"""The search over heads on Ray Tune, which only runs trials: `successive_halving.py` decides."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.distributed.cluster import cluster
from stages.train.distributed.room import MB, check_room, worker_bytes
from stages.train.heads.problem import Problem
from stages.train.journal import Journal
from stages.train.search.cached_results import keep, next_unknown
from stages.train.search.search_space import dimensions, learner_of, starts
from stages.train.search.successive_halving import (
    RungBudget,
    SuccessiveHalving,
    Trial,
    TrialResult,
    rungs_of,
)

ROOM = 128 * MB  # for heads, their gradients and batches
ReportRung = Callable[[SuccessiveHalving], None]
Curve = list[dict[str, float]]
ReportEpoch = Callable[[int, dict[str, Any], int, int, Curve], None]


def search(
    problem: Problem,
    train: TrainConfig,
    trials: int,
    settings: Settings,
    report_rung: ReportRung,
    report_epoch: ReportEpoch = lambda *_: None,
) -> list[Trial]:
    """Train `trials` heads under successive halving; return all trials, by number. Results that an
    interrupted search of the same kind left in the journal are used again.

    `report_rung` is called after every finished rung budget; `report_epoch` about once a second
    for a trial in training: its number, hyperparameters, epoch, most epochs, curve so far.
    Equal arguments give equal trials, on any number of cores. Raises InfrastructureError if Ray
    does not come up or a trial fails again and again."""
    space = dimensions(train)
    halving = SuccessiveHalving(
        SEARCHERS[train.searcher](space, train.seed),
        starts(space),
        total=trials,
        size=train.batch,
        keep=train.halving,
        rungs=rungs_of(train.epochs, train.halving),
        kind=learner_of(train),
    )
    session = _SearchSession(
        halving, journal_of(problem, train, settings), train.metric, report_rung, report_epoch
    )
    first = session.next()
    if first is not None:
        halving.waiting.insert(0, first)
        shared = sum(array.nbytes for array in problem.features.values())
        with cluster(settings, shared) as folder:
            _run(session, problem, train, folder)
    return halving.trials


def journal_of(problem: Problem, train: TrainConfig, settings: Settings) -> Journal:
    """Where the results of rung budgets are kept until the search's model is saved."""
    return Journal.of(settings, problem, train.patience)


def score_of(measures: dict[str, float], metric: str) -> float:
    """The higher, the better."""
    return -measures[metric] if metric == "log_loss" else measures[metric]


@dataclass(frozen=True)
class _SearchSession:
    """Connects the state of a search with its workers: gives budgets out, takes results."""

    halving: SuccessiveHalving
    journal: Journal
    metric: str
    tell: ReportRung
    word: ReportEpoch

    def next(self) -> RungBudget | None:
        """The next budget whose result the journal does not have."""
        return next_unknown(self.halving, self.journal, self.known)

    def goes_on(self, budget: RungBudget, curve: Curve) -> None:
        """Report the `curve` so far of the trial that trains to `budget`."""
        last = self.halving.rungs[-1]
        self.word(budget.number, budget.hyperparameters, len(curve), last, curve)

    def done(self, budget: RungBudget, result: TrialResult) -> None:
        """Keep the `result` of `budget` in the journal, and report it."""
        keep(budget, result, self.journal)
        self.goes_on(budget, result.curve)
        self.known(budget, result)

    def known(self, budget: RungBudget, result: TrialResult) -> None:
        """Report the `result` of `budget`, of this search or from the journal."""
        self.halving.report(budget, score_of(result.measures, self.metric), result)
        self.tell(self.halving)


def _run(session: _SearchSession, problem: Problem, train: TrainConfig, folder: Path) -> None:
    import ray
    from ray import tune

    from stages.train.search.search_adapter import SearchAdapter
    from stages.train.search.trainable import TrialTrainable

    # heads and small networks are sooner taught on a processor than sent to another
    wanted = {"CPU": 1.0, "memory": float(worker_bytes(_each(problem)))}
    check_room(ray.nodes(), wanted)
    halving = session.halving
    adapter = SearchAdapter(halving, session.next, session.done, session.goes_on)
    trainable = tune.with_parameters(TrialTrainable, problem=problem, patience=train.patience)
    tune.Tuner(
        tune.with_resources(trainable, wanted),
        tune_config=tune.TuneConfig(search_alg=adapter, num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name="search",
            storage_path=str(folder / "tune"),
            failure_config=tune.FailureConfig(max_failures=2),
            verbose=0,
        ),
    ).fit()
    if adapter.failure:
        raise adapter.failure
    if not halving.finished:
        raise InfrastructureError(
            f"Ray stopped after {len(halving.trials)} of {halving.total} trials.",
            "Run the same command again: finished trials are kept, and it comes to the same model.",
        )


def _each(problem: Problem) -> int:
    """Bytes that an actor takes beside Paddle and what is shared: all features, scaled, and twice
    the largest while it does that."""
    sizes = [array.nbytes for array in problem.features.values()]
    return ROOM + int(sum(sizes) + 2 * max(sizes))
