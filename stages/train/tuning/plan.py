"""How many trials of phase two fit into what phase one leaves of the budget: by counting work.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.train.budget import DECODING
from stages.train.space import Input, inputs_of

STARTING = 35.0  # Ray's group, Paddle, exports of fronts
WHOLE = 10.0  # to teach one window all of a trunk, in forwards
SHARES = {"none": 1.0, "half": 0.45, "most": 0.2}  # of that, behind each depth
TAUGHT = 0.9  # of the samples: the rest judges, which costs as much as a little teaching
MOST = 12  # trials beyond which little is gained
CORES = 2


def tuned_within(train: TrainConfig, samples: int, seconds: float) -> int:
    """The trials of phase two that `seconds` allow; 0 if there is no time for a single one."""
    inputs = [one for one in inputs_of(train) if one.begun.cuts]
    if not inputs:
        return 0
    fits = 0
    for trials in range(1, MOST + 1):
        if _cost(train, inputs, samples, trials) <= seconds:
            fits = trials
    return fits


def _cost(train: TrainConfig, inputs: list[Input], samples: int, trials: int) -> float:
    """Maps, the rungs of all trials, and the chosen one once more; the dearest inputs."""
    dearest = sorted(inputs, key=_teaching, reverse=True)[: min(train.finetune.finalists, trials)]
    views = samples * (1 + train.finetune.views)
    maps = sum(DECODING + _forward(one) for one in dearest) * views / CORES
    epochs = train.finetune.epochs
    first = epochs / train.halving if epochs // train.halving >= 3 else epochs
    kept = -(-trials // train.halving)
    shown = samples * TAUGHT * (trials * first + kept * (epochs - first)) + samples * epochs
    space = train.finetune.space
    depth = sum(SHARES[one] for one in space.freeze) / len(space.freeze)
    return STARTING + maps + shown * _teaching(dearest[0]) * max(depth, SHARES["half"]) / CORES


def _forward(one: Input) -> float:
    seconds: float = FAMILIES[one.family].seconds(one.size)
    return seconds


def _teaching(one: Input) -> float:
    return (FAMILIES[one.family].teaching or WHOLE) * _forward(one)


def tuning_takes(train: TrainConfig, samples: int) -> float:
    """Reference seconds for the trials of phase two that `train` has."""
    inputs = [one for one in inputs_of(train) if one.begun.cuts]
    trials = train.finetune.trials or 0
    return _cost(train, inputs, samples, trials) if inputs and trials else 0.0
