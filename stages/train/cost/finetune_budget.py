"""Computes how many fine-tuning trials fit into what the first phase leaves of the budget.

Times are computed from numbers of samples and epochs and not measured, so that equal arguments give
equal plans. Seconds are wall-clock seconds of the reference machine (two cores, `machine_speed` 1)
unless a text says "of one core"; they were measured there and rounded up."""

from collections.abc import Iterator

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.cost.budget import DECODING_SECONDS, REFERENCE_CORES
from stages.train.search.search_space import Input, inputs_of

STARTUP_SECONDS = 35.0  # Ray's process group, Paddle, export of frozen stems
BACKBONE_STEP_PASSES = 10.0  # cost of training a whole backbone on a window, in forward passes
# the share of that cost for the layers behind each split point (a value of the dimension `freeze`)
UNFROZEN_SHARES = {"none": 1.0, "half": 0.45, "most": 0.2}
TRAINING_SHARE = 0.8  # of the samples of train and validation are trained on, in 5 folds
MAX_TRIALS = 12  # more bring little gain
MAX_FEATURE_MAP_BYTES = 3 * 2**30  # of all cached feature maps; with more, fewer views are used


def with_finetuning_within(config: TrainConfig, samples: int, seconds: float) -> TrainConfig:
    """`config` with the number of fine-tuning trials that `seconds` allow for `samples` samples,
    their epochs and folds, and the inputs that may be fine-tuned: the first of `_offers` that
    affords one trial; with no trials if none does."""
    for inputs, epochs, folds in _offers(config):
        shorter = config.with_finetuning(epochs, folds)
        trials = _trials(shorter, inputs, samples, seconds)
        if trials:
            return shorter.with_tuned(trials, tuple(model_input.name for model_input in inputs))
    return config.with_tuned(0)


def _offers(config: TrainConfig) -> Iterator[tuple[list[Input], int, int]]:
    """Triples: the inputs that may be fine-tuned, the epochs of a trial, and the number of
    validation folds; the preferred offer first.

    Images larger than a family's own size are worth less than epochs and a second validation fold.
    A more expensive family is worth more than epochs, epochs more than a second fold, and a fold
    more than further trials: the default hyperparameters do well on most data, and a comparison of
    few trials says little."""
    inputs = sorted(tunable(config), key=seconds_per_sample)
    if inputs:
        yield inputs, config.finetune.longest, config.finetune.folds
    if not config.input_sizes:
        inputs = [
            model_input
            for model_input in inputs
            if model_input.size <= FAMILIES[model_input.family].size
        ]
    while inputs:
        for epochs in _epochs(config):
            yield inputs, epochs, config.finetune.folds
            yield inputs, epochs, 1
        inputs = inputs[:-1]


def _epochs(config: TrainConfig) -> list[int]:
    """The numbers of epochs to offer: the one that the config sets; if it sets none, the default
    and three quarters of it."""
    longest = config.finetune.longest
    return [longest] if config.finetune.epochs else [longest, longest * 3 // 4]


def tunable(config: TrainConfig) -> list[Input]:
    """The inputs whose last layers may be fine-tuned: those of families that can be split, as far
    as `train.finetune.families` and `train.finetune.inputs` allow. Raises ConfigError if
    `train.finetune.inputs` names none of them."""
    finetune, families = config.finetune, config.finetune.families or config.families
    found = [
        model_input
        for model_input in inputs_of(config)
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


def finetune_seconds(config: TrainConfig, samples: int) -> float:
    """Seconds for the fine-tuning trials that `config` has, on `samples` samples of train and
    validation; 0 without such trials."""
    inputs, trials = tunable(config), config.finetune.trials or 0
    return _finetune_seconds(config, inputs, samples, trials) if inputs and trials else 0.0


def _trials(config: TrainConfig, inputs: list[Input], samples: int, seconds: float) -> int:
    """The largest number of trials, at most MAX_TRIALS, that `seconds` allow; 0 if none."""
    affordable = [
        n
        for n in range(1, MAX_TRIALS + 1)
        if _finetune_seconds(config, inputs, samples, n) <= seconds
    ]
    return max(affordable, default=0)


def _finetune_seconds(config: TrainConfig, inputs: list[Input], samples: int, trials: int) -> float:
    """Seconds for the feature maps, the rungs of all `trials`, and the training of the best one on
    each further validation fold and on all samples, if the most expensive `inputs` are the
    candidates."""
    most_expensive = sorted(inputs, key=seconds_per_sample, reverse=True)[
        : min(config.finetune.candidates, trials)
    ]
    views = samples * (1 + config.finetune.views)
    map_seconds = (
        sum(DECODING_SECONDS + model_input.seconds for model_input in most_expensive)
        * views
        / REFERENCE_CORES
    )
    epochs = config.finetune.longest
    first_rung = epochs / config.halving if epochs // config.halving >= 3 else epochs
    survivors = -(-trials // trials_per_batch(config, trials))
    search_epochs = trials * first_rung + survivors * (epochs - first_rung)
    validation_epochs = (config.validation_folds - 1) * epochs
    trained_samples = samples * (TRAINING_SHARE * (search_epochs + validation_epochs) + epochs)
    space = config.finetune.search_space
    depth = sum(UNFROZEN_SHARES[freeze] for freeze in space.freeze) / len(space.freeze)
    share = max(depth, UNFROZEN_SHARES["half"])
    training = trained_samples * seconds_per_sample(most_expensive[0]) * share / REFERENCE_CORES
    return STARTUP_SECONDS + map_seconds + training


def trials_per_batch(config: TrainConfig, trials: int) -> int:
    """The number of fine-tuning trials in a batch, out of `trials`: they are proposed together, and
    one of them continues after the first rung."""
    return min(config.batch, config.halving, trials)


def seconds_per_sample(model_input: Input) -> float:
    """Seconds of one core to train the whole backbone of `model_input` on one sample, once."""
    return (
        FAMILIES[model_input.family].training_cost or BACKBONE_STEP_PASSES
    ) * model_input.seconds
