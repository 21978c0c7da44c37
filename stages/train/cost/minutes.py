"""Computes the minutes that a trial's training takes on the reference machine (two cores,
`machine_speed` 1). They are computed from its epochs and not measured, so that equal searches
report equal minutes."""

from collections.abc import Callable

from stages.config import TrainConfig
from stages.train.cost.architecture_cost import BATCH
from stages.train.cost.budget import REFERENCE_CORES, epoch_seconds
from stages.train.cost.distillation_budget import step_seconds
from stages.train.cost.finetune_budget import TRAINING_SHARE, UNFROZEN_SHARES
from stages.train.search.search_space import inputs_by_name
from stages.train.search.successive_halving import Trial

Minutes = Callable[[Trial], float]


def minutes_of(config: TrainConfig, samples: int, views: int) -> Minutes:
    """A function from a trial of `config` to the minutes that its epochs take on the reference
    machine, for a dataset of `samples` samples with `views` augmented copies each."""
    inputs = inputs_by_name(config)

    def minutes(trial: Trial) -> float:
        model_input = inputs[trial.input]
        epochs = len(trial.result.curve) if trial.result else 0
        if trial.phase > 1:
            share = UNFROZEN_SHARES[trial.hyperparameters["freeze"]]
            seconds = samples * TRAINING_SHARE * share * step_seconds(model_input)
            seconds /= REFERENCE_CORES
        else:
            seconds = epoch_seconds(
                model_input,
                config,
                samples,
                views,
                trial.hyperparameters.get("width", 1.0),
                trial.hyperparameters.get("genotype", ""),
                trial.hyperparameters.get("batch_size", BATCH),
            )
        return round(epochs * seconds / 60, 4)

    return minutes
