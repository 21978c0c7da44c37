"""What a process group is asked to fine-tune, and what it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.train.cost.finetune_budget import trials_per_batch
from stages.train.finetune.dimensions import DEFAULTS, dimensions
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.search.search_space import default_sets
from stages.train.search.successive_halving import SuccessiveHalving, Trial, rungs_of

LEAST = 3  # epochs of the first rung


@dataclass(frozen=True)
class FinetuneRequest:
    """`trials`: how many are trained; `baselines`: heads of the first phase, measured on the
    validation samples of the best fine-tuned trial; one of them may be chosen instead."""

    problem: FinetuneProblem
    config: TrainConfig
    trials: int
    baselines: tuple[Trial, ...]


@dataclass(frozen=True)
class TrialReport:
    """Trial `number` has come to the end of `curve`, out of `epochs` epochs. `about`: what the
    epochs are for, in re-evaluation and in the final training on all samples."""

    number: int
    hyperparameters: Mapping[str, Any]
    epochs: int
    curve: Sequence[Mapping[str, float]] = ()
    about: str = ""


def halving_of(request: FinetuneRequest) -> SuccessiveHalving:
    """Successive halving over the fine-tuned trials, before any of them is trained. They are few:
    one of each small batch continues, and each batch knows the results of all earlier ones, since
    one process group trains them one after the other."""
    config, space = request.config, dimensions(request.config, request.problem)
    size = trials_per_batch(config, request.trials)
    return SuccessiveHalving(
        SEARCHERS[config.searcher](space, config.seed, startup=size),
        default_sets(space, DEFAULTS),
        total=request.trials,
        size=size,
        keep=config.halving,
        ahead=0,
        rungs=rungs_of(request.problem.epochs, config.halving, LEAST),
    )
