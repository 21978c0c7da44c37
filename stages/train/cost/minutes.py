"""Minutes of the reference machine that the training of a trial takes. They are counted from its
epochs, so that equal searches report equal minutes."""

from collections.abc import Callable

from stages.config import TrainConfig
from stages.train.cost.budget import epoch_of
from stages.train.cost.finetune_budget import (
    CORES,
    TRAINING_SHARE,
    UNFROZEN_SHARES,
    training_seconds,
)
from stages.train.search.search_space import by_name
from stages.train.search.successive_halving import Trial


def minutes_of(train: TrainConfig, samples: int, views: int) -> Callable[[Trial], float]:
    """A function that returns the minutes of a trial of `train`, for a dataset of `samples` samples
    with `views` augmented copies each."""
    inputs = by_name(train)

    def minutes(trial: Trial) -> float:
        model_input = inputs[trial.input]
        epochs = len(trial.result.curve) if trial.result else 0
        if trial.phase > 1:
            share = UNFROZEN_SHARES[trial.hyperparameters["freeze"]]
            epoch = samples * TRAINING_SHARE * share * training_seconds(model_input) / CORES
        else:
            epoch = epoch_of(model_input, train, samples, views)
        return round(epochs * epoch / 60, 4)

    return minutes
