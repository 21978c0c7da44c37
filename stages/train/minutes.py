"""What teaching a trial takes, in minutes of the reference machine: counted from how far it came,
so that equal searches say the same."""

from collections.abc import Callable

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.train.budget import LEAST_SHOWN, ROW_EPOCH, TEACHING, WINDOWS
from stages.train.halving import Trial
from stages.train.space import Input, inputs_of
from stages.train.tuning.plan import CORES, SHARES, TAUGHT, WHOLE


def minutes_of(train: TrainConfig, samples: int, views: int) -> Callable[[Trial], float]:
    """What tells of a trial of `train` what it took with so many samples, each with `views`
    copies."""
    inputs = {one.name: one for one in inputs_of(train)}

    def minutes(trial: Trial) -> float:
        one = inputs[trial.hyperparameters["input"]]
        epochs = len(trial.taught.curve) if trial.taught else 0
        if trial.phase > 1:
            share = SHARES[trial.hyperparameters["freeze"]]
            epoch = samples * TAUGHT * WHOLE * share * _pass(one) / CORES
        elif one.begun.features:
            epoch = ROW_EPOCH * samples * (1 + views)
        else:
            epoch = TEACHING * _pass(one) * max(samples, LEAST_SHOWN) * train.folds / CORES
        return round(epochs * epoch / 60, 4)

    return minutes


def _pass(one: Input) -> float:
    """Seconds for all windows of a sample through the network."""
    family = FAMILIES[one.family]
    seconds: float = family.seconds(one.size)
    return seconds * (WINDOWS if "windows" in family.front else 1)
