"""The search over detectors: trials race for a few epochs, and the best is taught to the end."""

from collections.abc import Callable
from typing import Any, NamedTuple

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.settings import Settings
from stages.train.cost.detection_budget import HALVES, race_of
from stages.train.detection.detection_problem import Problem
from stages.train.detection.progress_journal import journal_of
from stages.train.detection.worker_pool import Crew
from stages.train.distributed.cluster import cluster
from stages.train.search.search_space import Choice, Dimension, Number, by_name, starts
from stages.train.search.successive_halving import RungBudget, SuccessiveHalving, Trial, TrialResult
from stages.train.search.trial_search import ReportEpoch

BEGIN = {"learning_rate": 1.5e-3, "weight_decay": 0.05, "batch_size": 8}
BACKBONE_RATES = (0.3, 1.0)  # of the rate, for what begins with published weights
OBJECTS = 80 * 2**20  # bytes for the states of one trial


class Found(NamedTuple):
    """All trials by number; the chosen one, its weights by name, and what it says of the held
    pictures."""

    trials: list[Trial]
    chosen: Trial
    arrays: dict[str, Any]
    answers: list[Any]


def search(
    problem: Problem,
    train: TrainConfig,
    trials: int,
    settings: Settings,
    heard: Callable[[SuccessiveHalving], None],
    tell: Callable[[int], None],
    word: ReportEpoch = lambda *_: None,
) -> Found:
    """Teach `trials` detectors, all but one of them only for the first epochs. What an earlier
    search of this kind, that was killed, had judged is not taught again.

    `heard` hears of every finished leg, `tell` of every epoch, `word` of each trial's: its number,
    hyperparameters, epoch, most epochs, and its curve so far. Equal arguments give equal trials,
    on any number of cores. Raises InfrastructureError if Ray does not come up or workers die."""
    space = dimensions(train)
    rungs = (train.epochs,) if trials == 1 else (race_of(train.epochs), train.epochs)
    halving = SuccessiveHalving(
        SEARCHERS[train.searcher](space, train.seed),
        starts(space, BEGIN),
        total=trials,
        size=trials,
        keep=trials,
        rungs=tuple(dict.fromkeys(rungs)),
    )

    def told(leg: RungBudget, epoch: int, curve: list[dict[str, float]]) -> None:
        word(leg.number, leg.hyperparameters, epoch, train.epochs, curve)

    with cluster(settings, problem.nbytes + OBJECTS * (trials + HALVES)):
        cores = min(1.0, settings.threads / HALVES)
        journal = journal_of(problem, settings)
        crew = Crew(problem, cores, tell, journal, told, train.workers)
        while legs := _waiting(halving):
            crew.teach(legs)
            for leg in legs:
                halving.report(leg, *_taught(crew.known[leg.number]))
            heard(halving)
        chosen = min(halving.trials, key=lambda one: (-one.reached, *one.rank))
        leg = RungBudget(chosen.number, chosen.reached, chosen.hyperparameters)
        found = Found(halving.trials, chosen, crew.arrays(leg), crew.known[chosen.number].answers)
        crew.end()
        return found


def dimensions(train: TrainConfig) -> tuple[Dimension, ...]:
    """What the trials vary in."""
    space = train.search_space
    rate, decay = space.learning_rate, space.weight_decay
    return (
        Choice("input", tuple(by_name(train))),
        Number("learning_rate", rate.low, rate.high, rate.log),
        Number("weight_decay", decay.low, decay.high, decay.log),
        Choice("batch_size", space.batch_size),
        Choice("backbone_rate", BACKBONE_RATES),
    )


def _waiting(halving: SuccessiveHalving) -> list[RungBudget]:
    """All legs that can be taught now."""
    legs = []
    while (leg := halving.next()) is not None:
        legs.append(leg)
    return legs


def _taught(come: Any) -> tuple[float, TrialResult]:
    last = come.curve[-1]
    measures = {"ap50": last["ap50"], "loss": last["loss"]}
    return last["ap50"], TrialResult(measures, come.epoch, False, come.curve, b"")
