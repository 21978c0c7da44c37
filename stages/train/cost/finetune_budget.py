"""How many fine-tuning trials fit into what the first phase leaves of the budget. Work is counted
and no clock is read.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from collections.abc import Iterator

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.cost.budget import DECODING
from stages.train.search.search_space import Input, inputs_of

STARTUP_SECONDS = 35.0  # Ray's process group, Paddle, export of frozen stems
TRAINING_STEP = 10.0  # cost of training a whole backbone on a window, in forward passes
# of that cost, for the layers behind each split point
UNFROZEN_SHARES = {"none": 1.0, "half": 0.45, "most": 0.2}
TRAINING_SHARE = 0.8  # of the training and validation samples
MAX_TRIALS = 12  # more bring little gain
CORES = 2
MAX_FEATURE_MAP_BYTES = 3 * 2**30


def tuned_within(train: TrainConfig, samples: int, seconds: float) -> TrainConfig:
    """`train` with the fine-tuning trials that `seconds` allow, their epochs, and the inputs that
    may be fine-tuned; with no trials if there is time for none of `_offers`."""
    for inputs, epochs, folds in _offers(train):
        shorter = train.with_finetuning(epochs, folds)
        trials = _trials(shorter, inputs, samples, seconds)
        if trials:
            return shorter.with_tuned(trials, tuple(model_input.name for model_input in inputs))
    return train.with_tuned(0)


def _offers(train: TrainConfig) -> Iterator[tuple[list[Input], int, int]]:
    """Which inputs may be fine-tuned, for how many epochs, on how many validation folds; the best
    offer first.

    Images larger than a family's own size are worth less than epochs and a second validation fold.
    A more expensive family is worth more than epochs, epochs more than a second fold, and a fold
    more than further trials: the default hyperparameters do well on most data, and a comparison of
    few trials says little."""
    inputs = sorted(tunable(train), key=training_seconds)
    if inputs:
        yield inputs, train.finetune.longest, train.finetune.folds
    if not train.input_sizes:
        inputs = [
            model_input
            for model_input in inputs
            if model_input.size <= FAMILIES[model_input.family].size
        ]
    while inputs:
        for epochs in _epochs(train):
            yield inputs, epochs, train.finetune.folds
            yield inputs, epochs, 1
        inputs = inputs[:-1]


def _epochs(train: TrainConfig) -> list[int]:
    """The epochs that the config sets; where it sets none, the default and three quarters of it."""
    whole = train.finetune.longest
    return [whole] if train.finetune.epochs else [whole, whole * 3 // 4]


def tunable(train: TrainConfig) -> list[Input]:
    """The inputs whose last layers may be fine-tuned. Raises ConfigError if none of
    `train.finetune.inputs` exists."""
    finetune, families = train.finetune, train.finetune.families or train.families
    found = [
        model_input
        for model_input in inputs_of(train)
        if model_input.initialised_family.split_points and model_input.family in families
    ]
    if not finetune.inputs:
        return found
    named = [model_input for model_input in found if model_input.name in finetune.inputs]
    if not named:
        names = ", ".join(model_input.name for model_input in found) or "none"
        raise ConfigError(
            f"train.finetune.inputs names nothing that can be tuned: {', '.join(finetune.inputs)}.",
            f"There are: {names}. Or leave it empty.",
        )
    return named


def tuning_takes(train: TrainConfig, samples: int) -> float:
    """Reference seconds for the fine-tuning trials that `train` has."""
    inputs, trials = tunable(train), train.finetune.trials or 0
    return _cost(train, inputs, samples, trials) if inputs and trials else 0.0


def _trials(train: TrainConfig, inputs: list[Input], samples: int, seconds: float) -> int:
    fitting = [n for n in range(1, MAX_TRIALS + 1) if _cost(train, inputs, samples, n) <= seconds]
    return max(fitting, default=0)


def _cost(train: TrainConfig, inputs: list[Input], samples: int, trials: int) -> float:
    """Seconds for the feature maps, the rungs of all trials, and the training of the best one on
    each further validation fold and on all samples; of the most expensive inputs."""
    dearest = sorted(inputs, key=training_seconds, reverse=True)[
        : min(train.finetune.candidates, trials)
    ]
    views = samples * (1 + train.finetune.views)
    map_seconds = sum(DECODING + model_input.seconds for model_input in dearest) * views / CORES
    epochs = train.finetune.longest
    first_rung = epochs / train.halving if epochs // train.halving >= 3 else epochs
    survivors = -(-trials // trials_per_batch(train, trials))
    search_epochs = trials * first_rung + survivors * (epochs - first_rung)
    validation_epochs = (train.validation_folds - 1) * epochs
    trained_samples = samples * (TRAINING_SHARE * (search_epochs + validation_epochs) + epochs)
    space = train.finetune.search_space
    depth = sum(UNFROZEN_SHARES[freeze] for freeze in space.freeze) / len(space.freeze)
    share = max(depth, UNFROZEN_SHARES["half"])
    training = trained_samples * training_seconds(dearest[0]) * share / CORES
    return STARTUP_SECONDS + map_seconds + training


def trials_per_batch(train: TrainConfig, trials: int) -> int:
    """How many of the fine-tuning `trials` are proposed at a time; one of them is continued."""
    return min(train.batch, train.halving, trials)


def training_seconds(model_input: Input) -> float:
    """Seconds of one core to train a whole backbone on one sample, once."""
    return (FAMILIES[model_input.family].training_cost or TRAINING_STEP) * model_input.seconds
