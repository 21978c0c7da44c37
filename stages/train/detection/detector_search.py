"""The search over detectors: trials are compared after a few epochs, and the best is trained to the
end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from stages.artifacts import canonical, digest_of
from stages.closure import code_of
from stages.config import TrainConfig
from stages.memo import Scope
from stages.parts import SEARCHERS
from stages.resources import Resources
from stages.store import Store
from stages.train.cost.detection_budget import BATCH_PARTS, first_rung_epochs
from stages.train.cost.detection_estimate import worker_data_bytes
from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.progress import Progress, found, keep
from stages.train.detection.race_worker import RacePiece, RaceWorker
from stages.train.detection.training_loop import DetectorTraining, loop, saved
from stages.train.distributed import run_distributed
from stages.train.distributed.cluster import cluster
from stages.train.distributed.executor import Executor
from stages.train.distributed.room import worker_bytes
from stages.train.search.search_space import (
    Categorical,
    Dimension,
    Number,
    default_sets,
    inputs_by_name,
)
from stages.train.search.successive_halving import RungBudget, SuccessiveHalving, Trial, TrialResult
from stages.train.search.trial_search import Curve, ReportEpoch

DEFAULTS = {"learning_rate": 1.5e-3, "weight_decay": 0.05, "batch_size": 8}
BACKBONE_RATES = (0.3, 1.0)  # multiply the learning rate of published weights
REMEDY = "Free some memory, or lower train.input_sizes or train.search_space.batch_size."
OBJECTS = 80 * 2**20  # bytes of Ray's object store for the states of one trial


# Of a training by a process group: the progress, the weights by name, the training's name.
Grouped = tuple[Progress, dict[str, Any], str]


class Found(NamedTuple):
    """All trials by number; the chosen one, its weights by name, its predictions on the validation
    split, and the name of its last training."""

    trials: list[Trial]
    chosen: Trial
    arrays: dict[str, Any]
    answers: list[Any]
    training: str


def search(
    problem: DetectionProblem,
    config: TrainConfig,
    trials: int,
    resources: Resources,
    report_rung: Callable[[SuccessiveHalving], None],
    report_epochs: Callable[[int], None],
    report_epoch: ReportEpoch = lambda *_: None,
    *,
    store: Store,
) -> Found:
    """Train `trials` detectors, all but one of them only for the first epochs. What an interrupted
    search of the same kind has validated is not trained again.

    `report_rung` is called after every rung, `report_epochs` with the number of newly finished
    epochs, `report_epoch` for each trial in training: its number, hyperparameters, epoch, most
    epochs, and its curve so far. Equal arguments give equal trials, on any number of cores. Raises
    InfrastructureError if Ray does not come up or workers die again and again."""
    space = dimensions(config)
    rungs = (config.epochs,) if trials == 1 else (first_rung_epochs(config.epochs), config.epochs)
    halving = SuccessiveHalving(
        SEARCHERS[config.searcher](space, config.seed),
        default_sets(space, DEFAULTS),
        total=trials,
        size=trials,
        keep=trials,
        rungs=tuple(dict.fromkeys(rungs)),
    )
    session = _SearchSession(
        problem, config, store, resources, cache_of(problem, store), report_epochs, report_epoch
    )
    with cluster(resources, problem.nbytes + OBJECTS * (trials + BATCH_PARTS)):
        while budgets := _budgets_of(halving):
            session.train(budgets)
            for budget in budgets:
                halving.report(budget, *_result(session.progress[budget.number]))
            report_rung(halving)
        chosen = min(halving.trials, key=lambda trial: (-trial.reached, *trial.rank))
        budget = RungBudget(chosen.number, chosen.reached, chosen.hyperparameters)
        grouped = session.grouped.get(chosen.number) or session.train_in_group(budget)
        progress, arrays, name = grouped
    return Found(halving.trials, chosen, arrays, progress.answers, name)


def cache_of(problem: DetectionProblem, store: Store) -> Scope:
    """Where the progress of trials is cached until the search's model is saved."""
    dataset = problem.scenes.dataset.ref.id
    key = [problem.labels, problem.inputs, problem.published, problem.epochs]
    return store.memo.scope(["detectors", dataset, key], code_of("stages.train"))


@dataclass
class _SearchSession:
    """Trains budgets: several side by side, one by a process group."""

    problem: DetectionProblem
    config: TrainConfig
    store: Store
    resources: Resources
    cache: Scope
    report_epochs: Callable[[int], None]
    report_epoch: ReportEpoch
    progress: dict[int, Progress] = field(default_factory=dict)  # by trial
    reported_epochs: dict[int, int] = field(default_factory=dict)  # by trial
    waiting: list[RungBudget] = field(default_factory=list)
    grouped: dict[int, Grouped] = field(default_factory=dict)  # by trial

    def train(self, budgets: Sequence[RungBudget]) -> None:
        """Bring `progress` up to the end of `budgets`, with equal results either way."""
        if len(budgets) == 1:
            self.train_in_group(budgets[0])
        else:
            self.race(budgets)

    def race(self, budgets: Sequence[RungBudget]) -> None:
        """Train the trials of `budgets` side by side, each by one worker."""
        self.waiting = list(budgets)
        cores = min(1.0, self.resources.cores / BATCH_PARTS)
        wanted = {"CPU": cores, "memory": float(worker_bytes(_worker_data(self.problem)))}
        workers = self.config.workers
        with Executor(
            RaceWorker, self.problem, wanted=wanted, workers=workers, remedy=REMEDY
        ) as executor:
            executor.run(self)

    def next(self) -> RacePiece | None:
        if not self.waiting:
            return None
        budget = self.waiting.pop(0)
        return RacePiece(budget, self._cached(budget))

    def on_report(self, piece: RacePiece, report: tuple[int, Curve, Progress | None]) -> None:
        epoch, curve, progress = report
        if progress:
            keep(piece.budget, progress, self.cache)
        self._report(piece.budget, epoch, curve)

    def resume(self, piece: RacePiece) -> RacePiece:
        """Resume from the last validation."""
        return RacePiece(piece.budget, self._cached(piece.budget))

    def on_result(self, piece: RacePiece, progress: Progress) -> None:
        self.progress[piece.budget.number] = progress

    def train_in_group(self, budget: RungBudget) -> Grouped:
        """Train the trial of `budget` by a process group; its progress, its weights, and the name
        of this training."""
        name = digest_of(canonical([self.cache.prefix, budget.key]))[:16]
        progress = self._cached(budget)

        def on_report(report: dict[str, Any]) -> None:
            self._report(budget, report["epoch"], report["curve"])

        folder = run_distributed(
            loop,
            DetectorTraining(self.problem, budget, progress),
            workers=min(BATCH_PARTS, self.config.workers),
            name=name,
            store=self.store,
            resources=self.resources,
            on_report=on_report,
            memory=_worker_data(self.problem),
        )
        progress, arrays = saved(folder)
        self.progress[budget.number] = progress
        self.grouped[budget.number] = progress, arrays, name
        return self.grouped[budget.number]

    def _cached(self, budget: RungBudget) -> Progress:
        """The progress of the trial of `budget`, in this search or an earlier one."""
        mine = self.progress.get(budget.number, Progress())
        cached = found(budget, self.cache)
        if cached.epoch <= mine.epoch:
            return mine
        self._report(budget, cached.epoch, cached.curve)
        return cached

    def _report(self, budget: RungBudget, epoch: int, curve: Curve) -> None:
        """Report that a trial has come to `epoch`, once."""
        further = epoch - self.reported_epochs.get(budget.number, 0)
        if further > 0:
            self.reported_epochs[budget.number] = epoch
            self.report_epochs(further)
            most = self.config.epochs
            self.report_epoch(budget.number, budget.hyperparameters, epoch, most, curve)


def dimensions(config: TrainConfig) -> tuple[Dimension, ...]:
    """The search space."""
    space = config.search_space
    rate, decay = space.learning_rate, space.weight_decay
    return (
        Categorical("input", tuple(inputs_by_name(config))),
        Number("learning_rate", rate.low, rate.high, rate.log),
        Number("weight_decay", decay.low, decay.high, decay.log),
        Categorical("batch_size", space.batch_size),
        Categorical("backbone_rate", BACKBONE_RATES),
    )


def _budgets_of(halving: SuccessiveHalving) -> list[RungBudget]:
    """All budgets that can be trained now."""
    budgets = []
    while (budget := halving.next()) is not None:
        budgets.append(budget)
    return budgets


def _result(progress: Progress) -> tuple[float, TrialResult]:
    last = progress.curve[-1]
    measures = {"ap50": last["ap50"], "loss": last["loss"]}
    return last["ap50"], TrialResult(measures, progress.epoch, False, progress.curve, b"")


def _worker_data(problem: DetectionProblem) -> int:
    """Bytes that a worker allocates for itself: those of the largest network."""
    sizes = [
        sum(array.nbytes for array in arrays.values()) for arrays in problem.published.values()
    ]
    return worker_data_bytes(max(sizes))
