"""Random searches (Bergstra and Bengio, Random Search for Hyper-Parameter Optimization, 2012) of as
much work as a search did: what `phases` sets beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stages.config import TrainConfig
from stages.train.cost.detection_budget import race_of
from stages.train.cost.finetune_budget import SHARES, TAUGHT, teaching_of
from stages.train.search.search_space import by_name, inputs_of

Trials = Sequence[Mapping[str, Any]]


def finetuning(train: TrainConfig, trials: Trials, factor: float) -> list[TrainConfig]:
    """One search over all families that teaches tails `more` times what the `trials` of `train`
    were taught, in the mean. It has as many heads as there are inputs, which cost next to
    nothing."""
    inputs = inputs_of(train)
    finetune = train.finetune.model_copy(update={"candidates": min(8, len(inputs)), "inputs": ()})
    anyhow = {"searcher": "random", "trials": len(inputs), "halving": 1000, "finetune": finetune}
    mean = np.mean([teaching_of(network_input) for network_input in inputs])
    each = (
        finetune.longest
        * mean
        * np.mean([SHARES[freeze] for freeze in finetune.search_space.freeze])
    )
    again = each * (TAUGHT * (train.judges - 1) + 1)
    count = round(float((factor * _work(train, trials) - again) / (TAUGHT * each)))
    return [train.model_copy(update=anyhow).with_tuned(max(1, count))]


def detectors(train: TrainConfig, trials: Trials, factor: float) -> list[TrainConfig]:
    """Draws that are each taught to the end: `more` times as many as the race of the `trials` of
    `train` and the teaching of its winner come to; the best of them is to be taken."""
    whole = 1 + (len(trials) - 1) * race_of(train.epochs) / train.epochs
    first, count = train.seed * len(trials), max(1, round(factor * whole))
    drawn = {"searcher": "random", "trials": 1}
    return [train.model_copy(update={**drawn, "seed": first + n}) for n in range(count)]


def _work(train: TrainConfig, trials: Trials) -> float:
    """Reference seconds of one core for each sample that tails were taught: by all their epochs,
    and by those of the best once more for each further judge and for all samples."""
    inputs, tuned = by_name(train), [trial for trial in trials if trial["phase"] == 2]

    def work(trial: Mapping[str, Any]) -> float:
        hyperparameters = trial["hyperparameters"]
        share = SHARES[hyperparameters["freeze"]]
        return float(trial["epochs"] * share * teaching_of(inputs[hyperparameters["input"]]))

    dearest = max(map(work, tuned), default=0.0)
    return TAUGHT * sum(map(work, tuned)) + dearest * (TAUGHT * (train.judges - 1) + 1)
