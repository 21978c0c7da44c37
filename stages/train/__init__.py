"""Trains a model: searches hyperparameters within the budget, and saves the best trial as a Model.

Each task names a trainer, which does it: `heads` (heads/head_search.py) or `detectors`
(detection/)."""

from typing import Protocol

from stages.artifacts import Dataset, Model
from stages.config import TrainConfig, TrainSlice
from stages.parts import TASKS, TRAINERS
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.estimate import Estimate


class Trainer(Protocol):
    """Trains Models of the Datasets of some tasks (`Task.trainer`). `samples`, in all methods: the
    number of samples of train and validation; `views`: of augmented copies of each."""

    def resolve(self, config: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
        """`config` with everything filled in that `train.budget_minutes` decide: the number of
        trials, and what else changes how long they take. `speed`: of the machine, relative to the
        reference machine (`cost/budget.py`). Computed from numbers of samples and not measured, so
        that equal arguments give an equal result.

        If `train.trials` is set, the budget is ignored; the heads' trainer then sets a number of
        fine-tuning trials that is not set to 0. Raises BudgetTooSmall, saying which budget would be
        enough, if the budget does not allow the smallest search: one trial, or for detectors one of
        each input; ConfigError if no input is left."""
        ...

    def estimate(
        self, config: TrainConfig, samples: int, views: int, resources: Resources
    ) -> Estimate:
        """The minutes, memory and disk that training takes, for a `config` that is resolved."""
        ...

    def train(
        self, dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
    ) -> Model:
        """Search for the best model of `dataset`, and save it in `store`; see `train` below."""
        ...


def trainer_of(task: str) -> Trainer:
    """A new trainer, the one that the task called `task` names."""
    trainer: Trainer = TRAINERS[TASKS[task].trainer]()
    return trainer


def train(
    dataset: Dataset, config: TrainSlice, *, store: Store, run: Run, resources: Resources
) -> Model:
    """Search for the best model of `dataset` with the trainer of its task, and save it in `store`.
    The runner calls it, in a process of its own. Trials are reported to `run` and recorded in
    MLflow.

    Raises BudgetTooSmall if the budget does not allow the smallest search; ConfigError for values
    that do not fit each other, such as a size that no family takes; DataError if a split that is
    needed has no samples; BackendMissing if a package that has initial weights is not installed;
    Damaged if a file in the store, or of initial weights, is not what it was; InfrastructureError
    if Ray, an exporting process or a download fails, or if there is no memory for a worker."""
    trainer = trainer_of(dataset.task)
    return trainer.train(dataset, config.train, store=store, run=run, resources=resources)
