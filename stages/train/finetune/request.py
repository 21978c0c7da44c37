"""Describes what a process group is to fine-tune, and what it reports."""

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

MIN_RUNG_EPOCHS = 3  # of the first rung


@dataclass(frozen=True)
class FinetuneRequest:
    """The data that all workers of the group share. `trials`: how many are trained; `baselines`:
    the best head of each input, measured on the folds on which the best fine-tuned trial is
    validated; one of them may be chosen instead."""

    problem: FinetuneProblem
    config: TrainConfig
    trials: int
    baselines: tuple[Trial, ...]


@dataclass(frozen=True)
class TrialReport:
    """How far the training of trial `number` has come: `curve` has the measures of each epoch so
    far, out of `epochs`. `about`: what is trained, in words; empty for a trial of the search, and
    set in re-evaluation and in the final training on all samples. Its fields are in the checkpoints
    of the group."""

    number: int
    hyperparameters: Mapping[str, Any]
    epochs: int
    curve: Sequence[Mapping[str, float]] = ()
    about: str = ""


def halving_of(request: FinetuneRequest) -> SuccessiveHalving:
    """The state of successive halving over the fine-tuned trials before any of them is trained.
    They are few: one of each small batch continues, and the searcher has learnt the scores of all
    earlier batches when it proposes one, since one process group trains them one after the
    other."""
    config, space = request.config, dimensions(request.config, request.problem)
    size = trials_per_batch(config, request.trials)
    return SuccessiveHalving(
        SEARCHERS[config.searcher](space, config.seed, startup=size),
        default_sets(space, DEFAULTS),
        total=request.trials,
        size=size,
        keep=config.halving,
        ahead=0,
        rungs=rungs_of(request.problem.epochs, config.halving, MIN_RUNG_EPOCHS),
    )
