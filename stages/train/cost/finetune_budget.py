"""How many trials of phase two fit into what phase one leaves of the budget: by counting work.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from collections.abc import Iterator

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import ConfigError
from stages.train.cost.budget import DECODING
from stages.train.search.search_space import Input, inputs_of

STARTING = 35.0  # Ray's group, Paddle, exports of fronts
WHOLE = 10.0  # to teach one window all of a backbone, in forwards
SHARES = {"none": 1.0, "half": 0.45, "most": 0.2}  # of that, behind each depth
TAUGHT = 0.8  # of all samples that teach or judge
MOST = 12  # trials beyond which little is gained
CORES = 2
MAPS = 3 * 2**30  # bytes of all maps, at the most


def tuned_within(train: TrainConfig, samples: int, seconds: float) -> TrainConfig:
    """`train` with the trials of phase two that `seconds` allow, their epochs, and the
    inputs that may be tuned; no trials if there is time for none of `_offers`."""
    for inputs, epochs, folds in _offers(train):
        shorter = train.with_finetuning(epochs, folds)
        trials = _trials(shorter, inputs, samples, seconds)
        if trials:
            return shorter.with_tuned(trials, tuple(one.name for one in inputs))
    return train.with_tuned(0)


def _offers(train: TrainConfig) -> Iterator[tuple[list[Input], int, int]]:
    """Which inputs may be tuned for how many epochs, judged by how many folds, the best offer
    first. Pictures larger than what a family was made for are worth less than epochs and a
    further judge, a dearer family is worth more than epochs, those more than a further judge, and
    that more than further trials: what a tail begins with does well on most data, and a race of
    few trials tells little."""
    inputs = sorted(tunable(train), key=teaching_of)
    if inputs:
        yield inputs, train.finetune.longest, train.finetune.folds
    if not train.input_sizes:
        inputs = [one for one in inputs if one.size <= FAMILIES[one.family].size]
    while inputs:
        for epochs in _epochs(train):
            yield inputs, epochs, train.finetune.folds
            yield inputs, epochs, 1
        inputs = inputs[:-1]


def _epochs(train: TrainConfig) -> list[int]:
    """As many as are asked for; where nothing is asked for, also three quarters of it."""
    whole = train.finetune.longest
    return [whole] if train.finetune.epochs else [whole, whole * 3 // 4]


def tunable(train: TrainConfig) -> list[Input]:
    """The inputs whose tails may be taught. Raises ConfigError if none of those that are named is
    there."""
    asked, families = train.finetune, train.finetune.families or train.families
    found = [
        one
        for one in inputs_of(train)
        if one.initialised_family.split_points and one.family in families
    ]
    if not asked.inputs:
        return found
    left = [one for one in found if one.name in asked.inputs]
    if not left:
        raise ConfigError(
            f"train.finetune.inputs names nothing that can be tuned: {', '.join(asked.inputs)}.",
            f"There are: {', '.join(one.name for one in found) or 'none'}. Or leave it empty.",
        )
    return left


def tuning_takes(train: TrainConfig, samples: int) -> float:
    """Reference seconds for the trials of phase two that `train` has."""
    inputs, trials = tunable(train), train.finetune.trials or 0
    return _cost(train, inputs, samples, trials) if inputs and trials else 0.0


def _trials(train: TrainConfig, inputs: list[Input], samples: int, seconds: float) -> int:
    fitting = [n for n in range(1, MOST + 1) if _cost(train, inputs, samples, n) <= seconds]
    return max(fitting, default=0)


def _cost(train: TrainConfig, inputs: list[Input], samples: int, trials: int) -> float:
    """Maps, the rungs of all trials, and the best one once more for each further fold that
    judges and for all samples; the dearest inputs."""
    dearest = sorted(inputs, key=teaching_of, reverse=True)[
        : min(train.finetune.candidates, trials)
    ]
    views = samples * (1 + train.finetune.views)
    maps = sum(DECODING + one.seconds for one in dearest) * views / CORES
    epochs = train.finetune.longest
    first = epochs / train.halving if epochs // train.halving >= 3 else epochs
    kept = -(-trials // together(train, trials))
    raced = trials * first + kept * (epochs - first)
    again = (train.validation_folds - 1) * epochs
    shown = samples * (TAUGHT * (raced + again) + epochs)
    space = train.finetune.search_space
    depth = sum(SHARES[one] for one in space.freeze) / len(space.freeze)
    return STARTING + maps + shown * teaching_of(dearest[0]) * max(depth, SHARES["half"]) / CORES


def together(train: TrainConfig, trials: int) -> int:
    """How many of the `trials` of phase two are proposed at a time, of which one goes on."""
    return min(train.batch, train.halving, trials)


def teaching_of(one: Input) -> float:
    """Seconds of one core to teach all of a backbone one sample."""
    return (FAMILIES[one.family].training_cost or WHOLE) * one.seconds
