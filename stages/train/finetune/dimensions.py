"""Describes the search space of fine-tuning, and the hyperparameters that a trial takes over from
its head."""

from collections.abc import Mapping
from typing import Any

from stages.config import TrainConfig
from stages.config.search_space import Range
from stages.train.finetune.finetune_problem import FinetuneProblem
from stages.train.search.search_space import Categorical, Condition, Dimension, Number

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
