"""Training: a search within the budget, and the best of its trials as a Model."""

from typing import Protocol

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig, TrainSlice
from stages.parts import TASKS, TRAINERS
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.estimate import Estimate


class Trainer(Protocol):
    """A way to make a Model of a Dataset; a task names one."""

    def resolve(self, config: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
        """`config` with all that its `budget_minutes` decide: how many trials, and whatever else
        makes it last for so many `samples` of train and validation. Counted work, never a clock;
        unchanged if `train.trials` are given. Raises BudgetTooSmall, saying what would be
        enough."""
        ...

    def estimate(
        self, config: TrainConfig, samples: int, views: int, resources: Resources
    ) -> Estimate:
        """What it takes to teach so many samples, each with `views` copies: counted, for a `config`
        that is resolved."""
        ...

    def train(
        self, dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
    ) -> Model:
        """Search, and save the best as a Model."""
        ...


def trainer_of(task: str) -> Trainer:
    """The trainer that `task` names."""
    trainer: Trainer = TRAINERS[TASKS[task].trainer]()
    return trainer


def train(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, resources: Resources
) -> Model:
    """Search for the best model of `dataset` in the way that its task is taught, and save it.

    Raises BudgetTooSmall if not one trial fits into the budget, DataError if a split that is needed
    has no samples, InfrastructureError if Ray or an exporting process fails."""
    trainer = trainer_of(dataset.task)
    return trainer.train(dataset, config.train, store=store, run=run, resources=resources)
