"""Describes the search of fine-tuning: the dimensions of a trial, what a process group is asked to
train, what it reports, and the order of its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.config import TrainConfig
from stages.config.search_space import Range
from stages.parts import SEARCHERS
from stages.train.cost.finetune_budget import trials_per_batch
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.search.search_space import (
    Categorical,
    Condition,
    Dimension,
    Number,
    default_sets,
)
from stages.train.search.successive_halving import SuccessiveHalving, Trial, rungs_of

MIN_RUNG_EPOCHS = 3  # of the first rung
DEFAULTS: dict[str, Any] = {
    "learning_rate": 1e-3,
    "warm_up": 0.1,
    "layer_decay": 0.8,
    "weight_decay": 0.05,
    "batch_size": 32,
    "label_smoothing": 0.1,
    "mixing": "mixup",
    "mixing_share": 0.2,
    "average": 0.98,
    "interpolation": 0.75,
    "dropout": 0.0,
}
MIXED = Condition("mixing", ("mixup", "cutmix"))  # under which `mixing_share` is active
INHERITED = ("head", "class_balance")  # hyperparameters of the head that a trial starts from


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
    far, out of `epochs`. `purpose`: what is trained, in words; empty for a trial of the search, and
    set in re-evaluation and in the final training on all samples. Its fields are in the checkpoints
    of the group."""

    number: int
    hyperparameters: Mapping[str, Any]
    epochs: int
    curve: Sequence[Mapping[str, float]] = ()
    purpose: str = ""


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


def dimensions(config: TrainConfig, problem: FinetuneProblem) -> tuple[Dimension, ...]:
    """The search space of fine-tuning the candidates of `problem`."""
    space = config.finetune.search_space
    share = space.mixing_share
    return (
        Categorical("input", tuple(problem.candidates)),
        Categorical("freeze", space.freeze),
        _number("learning_rate", space.learning_rate),
        Categorical("warm_up", space.warm_up),
        _number("layer_decay", space.layer_decay),
        _number("weight_decay", space.weight_decay),
        Categorical("batch_size", space.batch_size),
        Categorical("label_smoothing", space.label_smoothing),
        Categorical("mixing", space.mixing),
        Number("mixing_share", share.low, share.high, share.log, when=MIXED),
        Categorical("average", space.average),
        Categorical("interpolation", space.interpolation),
        Categorical("dropout", space.dropout),
    )


def inherited(hyperparameters: Mapping[str, Any], problem: FinetuneProblem) -> dict[str, Any]:
    """`hyperparameters` of a fine-tuning trial with the INHERITED ones of the head that it is
    initialised from."""
    head = problem.candidates[hyperparameters["input"]].hyperparameters
    return {**hyperparameters, **{name: head[name] for name in INHERITED}}


def _number(name: str, span: Range) -> Number:
    return Number(name, span.low, span.high, span.log)
