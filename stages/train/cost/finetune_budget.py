"""Computes how many fine-tuning trials fit into what the first phase leaves of the budget.

Times are computed from numbers of samples and epochs and not measured, so that equal arguments give
equal plans. Seconds are wall-clock seconds of the reference machine (two cores, `machine_speed` 1)
unless a text says "of one core"; they were measured there and rounded up."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

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


class Offer(NamedTuple):
    """A fine-tuning that a budget may afford: the `inputs` that are its candidates, the `epochs` of
    a trial, the validation `folds`, the values of the hyperparameter `freeze`, and the augmented
    `views` of each sample."""

    inputs: tuple[Input, ...]
    epochs: int
    folds: int
    freeze: tuple[str, ...]
    views: int


def with_finetuning_within(config: TrainConfig, samples: int, seconds: float) -> TrainConfig:
    """`config` with a plan of fine-tuning on `samples` samples that takes at most `seconds`: these
    as minutes, the inputs for which some offer is affordable, and the trials that the most
    expensive of them would get. Which of these inputs leads, and so which offer is taken, is known
    after the first phase (`with_leaders`). No trials if no input is affordable."""
    found = {
        model_input: offer
        for model_input in sorted(tunable(config), key=seconds_per_sample)
        if (offer := _best_offer(config, [model_input], samples, seconds))
    }
    if not found:
        return config.with_tuned(0)
    _, trials = list(found.values())[-1]
    planned = config.with_tuned(trials, tuple(model_input.name for model_input in found))
    return planned.with_finetuning(minutes=round(seconds / 60, 2))


def with_leaders(config: TrainConfig, ranking: Sequence[Input], samples: int) -> TrainConfig:
    """`config`, whose plan has minutes, with the offer that they allow for the first of `ranking`,
    the inputs in the order of their heads, best first; without trials if they allow none. Unchanged
    if the plan has no minutes: then someone counted the trials by hand."""
    finetune = config.finetune
    if finetune.minutes is None or not finetune.trials:
        return config
    planned = [model_input for model_input in ranking if model_input.name in finetune.inputs]
    found = _best_offer(config, planned, samples, finetune.minutes * 60)
    if not found:
        return config.with_tuned(0)
    offer, trials = found
    space = finetune.search_space.model_copy(update={"freeze": offer.freeze})
    return config.with_tuned(trials, tuple(each.name for each in offer.inputs)).with_finetuning(
        epochs=offer.epochs, folds=offer.folds, views=offer.views, search_space=space
    )


def _best_offer(
    config: TrainConfig, ranking: Sequence[Input], samples: int, seconds: float
) -> tuple[Offer, int] | None:
    """The first of `_offers` that affords one trial within `seconds`, and how many it affords."""
    for offer in _offers(config, ranking):
        if trials := _trials(config, offer, samples, seconds):
            return offer, trials
    return None


def _offers(config: TrainConfig, ranking: Sequence[Input]) -> Iterator[Offer]:
    """The offers for `ranking`, inputs in the order of their heads, the preferred offer first.

    The input that leads is worth more than epochs, epochs more than a second validation fold, and a
    fold more than further trials: the default hyperparameters do well on most data, and a
    comparison of few trials says little. The fewest layers are trained where there is time for
    nothing else."""
    finetune = config.finetune
    freeze = finetune.search_space.freeze
    longest, least = finetune.longest, min(freeze, key=UNFROZEN_SHARES.__getitem__)
    if ranking:
        leaders = tuple(ranking[: finetune.candidates])
        yield Offer(leaders, longest, finetune.folds, freeze, finetune.views)
    for model_input in ranking:
        for epochs in _epochs(config):
            # an epoch takes one view of each sample
            schedule = (epochs, min(finetune.views, epochs - 1))
            yield _offer(model_input, schedule, finetune.folds, freeze)
            yield _offer(model_input, schedule, 1, freeze)
        for epochs in _epochs(config):
            yield _offer(model_input, (epochs, min(finetune.views, epochs // 2)), 1, (least,))


def _offer(
    model_input: Input, schedule: tuple[int, int], folds: int, freeze: tuple[str, ...]
) -> Offer:
    epochs, views = schedule
    return Offer((model_input,), epochs, folds, freeze, views)


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
    validation, if the most expensive inputs are the candidates; 0 without such trials."""
    finetune, trials = config.finetune, config.finetune.trials or 0
    if finetune.minutes is not None and trials:
        return finetune.minutes * 60
    most_expensive = sorted(tunable(config), key=seconds_per_sample, reverse=True)
    inputs = tuple(most_expensive[: min(finetune.candidates, trials)])
    freeze = finetune.search_space.freeze
    offer = Offer(inputs, finetune.longest, config.validation_folds, freeze, finetune.views)
    return _finetune_seconds(config, offer, samples, trials) if inputs else 0.0


def _trials(config: TrainConfig, offer: Offer, samples: int, seconds: float) -> int:
    """The largest number of trials, at most MAX_TRIALS, that `seconds` allow; 0 if none."""
    affordable = [
        n
        for n in range(1, MAX_TRIALS + 1)
        if _finetune_seconds(config, offer, samples, n) <= seconds
    ]
    return max(affordable, default=0)


def _finetune_seconds(config: TrainConfig, offer: Offer, samples: int, trials: int) -> float:
    """Seconds for the feature maps, the rungs of all `trials`, and the training of the best one on
    each further validation fold and on all samples, by the most expensive input of `offer`."""
    inputs = sorted(offer.inputs, key=seconds_per_sample, reverse=True)[:trials]
    views = samples * (1 + offer.views)
    map_seconds = (
        sum(DECODING_SECONDS + model_input.seconds for model_input in inputs)
        * views
        / REFERENCE_CORES
    )
    epochs = offer.epochs
    first_rung = epochs / config.halving if epochs // config.halving >= 3 else epochs
    survivors = -(-trials // trials_per_batch(config, trials))
    search_epochs = trials * first_rung + survivors * (epochs - first_rung)
    validation_epochs = (min(config.folds, offer.folds) - 1) * epochs
    trained_samples = samples * (TRAINING_SHARE * (search_epochs + validation_epochs) + epochs)
    shares = [UNFROZEN_SHARES[freeze] for freeze in offer.freeze]
    # the first trial has the first value; others the mean of all
    share = max(sum(shares) / len(shares), shares[0])
    training = trained_samples * seconds_per_sample(inputs[0]) * share / REFERENCE_CORES
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
