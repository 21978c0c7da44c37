"""What a team is asked in phase two, and what it says of how far it has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.config import TrainConfig
from stages.parts import SEARCHERS
from stages.train.cost.finetune_budget import together
from stages.train.finetune.dimensions import BEGIN, dimensions
from stages.train.finetune.finetune_problem import Question
from stages.train.search.search_space import starts
from stages.train.search.successive_halving import SuccessiveHalving, Trial, rungs_of

LEAST = 3  # epochs of the first rung


@dataclass(frozen=True)
class Asked:
    """`trials`: how many there will be; `rivals`: heads of phase one, measured on the samples that
    judge the best tail; they may be chosen instead."""

    question: Question
    train: TrainConfig
    trials: int
    rivals: tuple[Trial, ...]


@dataclass(frozen=True)
class Word:
    """How far trial `number` has come of `epochs`; `about`: what its epochs are, where it is taught
    once more."""

    number: int
    hyperparameters: Mapping[str, Any]
    epochs: int
    curve: Sequence[Mapping[str, float]] = ()
    about: str = ""


def halving_of(asked: Asked) -> SuccessiveHalving:
    """Phase two's trials before any of them is taught. There are few: one of each small batch goes
    on, and each knows all before it, as one team teaches them one after the other."""
    train, space = asked.train, dimensions(asked.train, asked.question)
    size = together(train, asked.trials)
    return SuccessiveHalving(
        SEARCHERS[train.searcher](space, train.seed, startup=size),
        starts(space, BEGIN),
        total=asked.trials,
        size=size,
        keep=train.halving,
        ahead=0,
        rungs=rungs_of(asked.question.epochs, train.halving, LEAST),
    )
