"""Searches over detectors: trials are compared after a few epochs, and the best one is trained to
the end."""

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
from stages.train.detection.first_rung_worker import FirstRungPiece, FirstRungWorker
from stages.train.detection.progress import Progress, find_progress, save_progress
from stages.train.detection.training_loop import DetectorTraining, load_training, loop
from stages.train.distributed import run_distributed
from stages.train.distributed.cluster import cluster
from stages.train.distributed.executor import worker_pool
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
BACKBONE_RATES = (0.3, 1.0)  # factors of the learning rate for published weights
REMEDY = "Free some memory, or lower train.input_sizes or train.search_space.batch_size."
TRIAL_OBJECT_BYTES = 80 * 2**20  # of Ray's object store, for the states of one trial


class GroupResult(NamedTuple):
    """The result of a training by a process group: its progress, the network's `arrays` (weights by
    name), and the name of its checkpoint, `training`."""

    progress: Progress
    arrays: dict[str, Any]
    training: str


class Found(NamedTuple):
    """The result of a search. `trials`: all, by number; `chosen`: one of them; `arrays`: its
    weights by name; `answers`: its predictions on the validation split; `training`: the name of the
    checkpoint of its last training."""

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
    search with an equal problem has validated is not trained again.

    `report_rung` is called after every rung, `report_epochs` with the number of epochs that are
    newly done, `report_epoch` with a trial's number, hyperparameters, epoch, the epochs of a
    complete training, and its curve so far. Equal arguments give equal trials, on any number of
    cores. Raises InfrastructureError if Ray does not come up or workers die again and again."""
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
    with cluster(resources, problem.nbytes + TRIAL_OBJECT_BYTES * (trials + BATCH_PARTS)):
        while pending_rungs := _next_rungs(halving):
            session.train(pending_rungs)
            for rung in pending_rungs:
                halving.report(rung, *_result(session.progress[rung.number]))
            report_rung(halving)
        chosen = min(halving.trials, key=lambda trial: (-trial.reached, *trial.rank))
        rung = RungBudget(chosen.number, chosen.reached, chosen.hyperparameters)
        last = session.grouped.get(chosen.number) or session.train_in_group(rung)
    return Found(
        trials=halving.trials,
        chosen=chosen,
        arrays=last.arrays,
        answers=last.progress.answers,
        training=last.training,
    )


def cache_of(problem: DetectionProblem, store: Store) -> Scope:
    """The part of the cache that has the progress of trials until the search's model is saved."""
    dataset = problem.scenes.dataset.ref.id
    key = [problem.labels, problem.inputs, problem.published, problem.epochs]
    return store.memo.scope(["detectors", dataset, key], code_of("stages.train"))


@dataclass
class _SearchSession:
    """Trains rung budgets: several side by side (it is the executor's Source), a single one by a
    process group."""

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
    grouped: dict[int, GroupResult] = field(default_factory=dict)  # by trial

    def train(self, pending_rungs: Sequence[RungBudget]) -> None:
        """Train the trials of `pending_rungs` up to their epochs, and keep their progress in
        `self.progress`. Both ways of training have equal results."""
        if len(pending_rungs) == 1:
            self.train_in_group(pending_rungs[0])
        else:
            self.train_side_by_side(pending_rungs)

    def train_side_by_side(self, pending_rungs: Sequence[RungBudget]) -> None:
        """Train the trials of `pending_rungs` side by side, each by one worker."""
        self.waiting = list(pending_rungs)
        with worker_pool(
            FirstRungWorker,
            self.problem,
            self.resources,
            shared_bytes=self.problem.nbytes,
            worker_data=_worker_data(self.problem),
            workers=self.config.workers,
            remedy=REMEDY,
            cores=min(1.0, self.resources.cores / BATCH_PARTS),
        ) as executor:
            executor.run(self)

    def next(self) -> FirstRungPiece | None:
        """The next rung budget to train, with the progress that is cached."""
        if not self.waiting:
            return None
        rung = self.waiting.pop(0)
        return FirstRungPiece(rung, self._cached(rung))

    def on_report(self, piece: FirstRungPiece, report: tuple[int, Curve, Progress | None]) -> None:
        """Cache the progress in a `report` of `FirstRungWorker`, and pass the epoch on."""
        epoch, curve, progress = report
        if progress:
            save_progress(piece.rung, progress, self.cache)
        self._report(piece.rung, epoch, curve)

    def resume(self, piece: FirstRungPiece) -> FirstRungPiece:
        """Resume from the last validation."""
        return FirstRungPiece(piece.rung, self._cached(piece.rung))

    def on_result(self, piece: FirstRungPiece, progress: Progress) -> None:
        """Keep the trial's progress."""
        self.progress[piece.rung.number] = progress

    def train_in_group(self, rung: RungBudget) -> GroupResult:
        """Train the trial of `rung` up to its epochs by a process group; keep and return the
        result."""
        name = digest_of(canonical([self.cache.prefix, rung.key]))[:16]
        progress = self._cached(rung)

        def on_report(report: dict[str, Any]) -> None:
            self._report(rung, report["epoch"], report["curve"])

        folder = run_distributed(
            loop,
            DetectorTraining(self.problem, rung, progress),
            workers=min(BATCH_PARTS, self.config.workers),
            name=name,
            store=self.store,
            resources=self.resources,
            on_report=on_report,
            memory=_worker_data(self.problem),
        )
        progress, arrays = load_training(folder)
        self.progress[rung.number] = progress
        self.grouped[rung.number] = GroupResult(progress, arrays, name)
        return self.grouped[rung.number]

    def _cached(self, rung: RungBudget) -> Progress:
        """The progress of the trial of `rung` that is furthest: in memory, or in the cache of an
        earlier search."""
        in_memory = self.progress.get(rung.number, Progress())
        cached = find_progress(rung, self.cache)
        if cached.epoch <= in_memory.epoch:
            return in_memory
        self._report(rung, cached.epoch, cached.curve)
        return cached

    def _report(self, rung: RungBudget, epoch: int, curve: Curve) -> None:
        """Report that the trial of `rung` has come to `epoch`, unless that was reported before."""
        further = epoch - self.reported_epochs.get(rung.number, 0)
        if further > 0:
            self.reported_epochs[rung.number] = epoch
            self.report_epochs(further)
            epochs = self.config.epochs
            self.report_epoch(rung.number, rung.hyperparameters, epoch, epochs, curve)


def dimensions(config: TrainConfig) -> tuple[Dimension, ...]:
    """The search space of detectors."""
    space = config.search_space
    rate, decay = space.learning_rate, space.weight_decay
    return (
        Categorical("input", tuple(inputs_by_name(config))),
        Number("learning_rate", rate.low, rate.high, rate.log),
        Number("weight_decay", decay.low, decay.high, decay.log),
        Categorical("batch_size", space.batch_size),
        Categorical("backbone_rate", BACKBONE_RATES),
    )


def _next_rungs(halving: SuccessiveHalving) -> list[RungBudget]:
    """All rung budgets that can be trained now."""
    pending_rungs = []
    while (rung := halving.next()) is not None:
        pending_rungs.append(rung)
    return pending_rungs


def _result(progress: Progress) -> tuple[float, TrialResult]:
    """The score (AP50) and the result of a trial at a rung. The weights are not part of it: they
    are in the cached progress, or in the group's checkpoint."""
    last = progress.curve[-1]
    measures = {"ap50": last["ap50"], "loss": last["loss"]}
    result = TrialResult(
        measures=measures,
        best_epoch=progress.epoch,
        exhausted=False,
        curve=progress.curve,
        arrays=b"",
    )
    return last["ap50"], result


def _worker_data(problem: DetectionProblem) -> int:
    """Bytes that a worker allocates beside Paddle and the shared data, for the largest network."""
    sizes = [
        sum(array.nbytes for array in arrays.values()) for arrays in problem.published.values()
    ]
    return worker_data_bytes(max(sizes))
