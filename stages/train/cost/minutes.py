"""What teaching a trial takes, in minutes of the reference machine: counted from how far it came,
so that equal searches say the same."""

from collections.abc import Callable

from stages.config import TrainConfig
from stages.train.cost.budget import epoch_of
from stages.train.cost.finetune_budget import CORES, SHARES, TAUGHT, teaching_of
from stages.train.search.search_space import by_name
from stages.train.search.successive_halving import Trial


def minutes_of(train: TrainConfig, samples: int, views: int) -> Callable[[Trial], float]:
    """What tells of a trial of `train` what it took with so many samples, each with `views`
    copies."""
    inputs = by_name(train)

    def minutes(trial: Trial) -> float:
        model_input = inputs[trial.input]
        epochs = len(trial.result.curve) if trial.result else 0
        if trial.phase > 1:
            share = SHARES[trial.hyperparameters["freeze"]]
            epoch = samples * TAUGHT * share * teaching_of(model_input) / CORES
        else:
            epoch = epoch_of(model_input, train, samples, views)
        return round(epochs * epoch / 60, 4)

    return minutes
