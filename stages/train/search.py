"""The search over heads on Ray Tune: legs out, results in; all decisions are taken in
`halving.py`."""

from collections.abc import Callable
from pathlib import Path

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.runtime.errors import InfrastructureError
from stages.settings import Settings
from stages.train.cluster import cluster
from stages.train.halving import Halving, Leg, Taught, Trial, rungs_of
from stages.train.problem import Problem
from stages.train.space import dimensions, learner_of, starts

Tell = Callable[[Halving], None]


def search(
    problem: Problem, train: TrainConfig, trials: int, settings: Settings, tell: Tell
) -> list[Trial]:
    """Teach `trials` heads, most of them not to the end; return all, by number.

    `tell` hears of every finished leg. Equal arguments give equal trials, on any number of cores.
    Raises InfrastructureError if Ray does not come up or a trial fails again and again."""
    space = dimensions(train)
    halving = Halving(
        SEARCHERS[train.searcher](space, train.seed),
        starts(space),
        total=trials,
        size=train.batch,
        keep=train.halving,
        rungs=rungs_of(train.epochs, train.halving),
        kind=learner_of(train),
    )
    shared = sum(array.nbytes for array in problem.features.values())
    with cluster(settings, shared) as folder:
        _run(halving, problem, train, folder, tell)
    return halving.trials


def score_of(measures: dict[str, float], metric: str) -> float:
    """The higher, the better."""
    return -measures[metric] if metric == "log_loss" else measures[metric]


def _run(halving: Halving, problem: Problem, train: TrainConfig, folder: Path, tell: Tell) -> None:
    from ray import tune

    from stages.train.legs import Legs
    from stages.train.teaching import Teaching

    def done(leg: Leg, taught: Taught) -> None:
        halving.told(leg, score_of(taught.measures, train.metric), taught)
        tell(halving)

    legs = Legs(halving, done)
    teaching = tune.with_parameters(Teaching, problem=problem, patience=train.patience)
    tune.Tuner(
        tune.with_resources(teaching, {"cpu": 1}),
        tune_config=tune.TuneConfig(search_alg=legs, num_samples=-1, reuse_actors=True),
        run_config=tune.RunConfig(
            name="search",
            storage_path=str(folder / "tune"),
            failure_config=tune.FailureConfig(max_failures=2),
            verbose=0,
        ),
    ).fit()
    if legs.failure:
        raise legs.failure
    if not halving.finished:
        raise InfrastructureError(
            f"Ray stopped after {len(halving.trials)} of {halving.total} trials.",
            "Run the same command again: features are kept, and it comes to the same model.",
        )
