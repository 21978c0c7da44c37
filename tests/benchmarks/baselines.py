"""Random searches (Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, 2012) with
as much work as a search: the baselines of `phases`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.config import TrainConfig
from stages.train.cost.detection_budget import first_rung_epochs
from stages.train.cost.finetune_budget import TRAINING_SHARE, UNFROZEN_SHARES, seconds_per_sample
from stages.train.search.search_space import inputs_by_name, inputs_of

Trials = Sequence[Mapping[str, Any]]


def finetuning(train: TrainConfig, trials: Trials, factor: float) -> list[TrainConfig]:
    """One random search over all families that fine-tunes, on average, for `factor` times the work
    of the fine-tuned `trials` of `train`. It trains one head for each input, which costs very
    little."""
    inputs = inputs_of(train)
    finetune = train.finetune.model_copy(update={"candidates": min(8, len(inputs)), "inputs": ()})
    anyhow = {"searcher": "random", "trials": len(inputs), "halving": 1000, "finetune": finetune}
    mean = np.mean([seconds_per_sample(network_input) for network_input in inputs])
    each = (
        finetune.longest
        * mean
        * np.mean([UNFROZEN_SHARES[freeze] for freeze in finetune.search_space.freeze])
    )
    again = each * (TRAINING_SHARE * (train.validation_folds - 1) + 1)
    count = round(float((factor * _work(train, trials) - again) / (TRAINING_SHARE * each)))
    return [train.model_copy(update=anyhow).with_tuned(max(1, count))]


def detectors(train: TrainConfig, trials: Trials, factor: float) -> list[TrainConfig]:
    """Random draws that are each trained to the end, for `factor` times the work of the race of the
    `trials` of `train` and the training of its best; the best draw is selected."""
    whole = 1 + (len(trials) - 1) * first_rung_epochs(train.epochs) / train.epochs
    first, count = train.seed * len(trials), max(1, round(factor * whole))
    drawn = {"searcher": "random", "trials": 1}
    return [train.model_copy(update={**drawn, "seed": first + n}) for n in range(count)]


def _work(train: TrainConfig, trials: Trials) -> float:
    """Reference seconds of one core for each sample of fine-tuning: all epochs of the trials, and
    those of the best again for each further validation fold and for all samples."""
    inputs, tuned = inputs_by_name(train), [trial for trial in trials if trial["phase"] == 2]

    def work(trial: Mapping[str, Any]) -> float:
        hyperparameters = trial["hyperparameters"]
        share = UNFROZEN_SHARES[hyperparameters["freeze"]]
        return float(trial["epochs"] * share * seconds_per_sample(inputs[hyperparameters["input"]]))

    dearest = max(map(work, tuned), default=0.0)
    return TRAINING_SHARE * sum(map(work, tuned)) + dearest * (
        TRAINING_SHARE * (train.validation_folds - 1) + 1
    )
