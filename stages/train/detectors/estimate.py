"""What teaching detectors takes, foreseen by count."""

from stages.config import TrainConfig
from stages.train.detectors.plan import HALVES, takes
from stages.train.estimate import DRIVER, FLOAT, KEPT, LOGS, MB, PADDLE, RAY, STATE, Estimate
from stages.train.space import inputs_of

SPARE = 1.5  # sides of a kept picture for each side of the network's input (SPARE in scenes.py)
STEP = 700 * MB  # what a step of one worker needs for a while
COPIES = 4  # of a network's weights: trunk, and the model three times


def of_detectors(train: TrainConfig, samples: int, speed: float) -> Estimate:
    """For `train.trials` detectors of `train.epochs`."""
    inputs = inputs_of(train)
    weights = max(FLOAT * one.begun.parameters for one in inputs)
    scenes = samples * 3 * int(SPARE * max(one.size for one in inputs)) ** 2
    trials = train.trials or 1
    return Estimate(
        minutes=takes(train, samples) / 60 / speed,
        memory=RAY + DRIVER + 3 * scenes + HALVES * (PADDLE + STEP + STATE * weights),
        disk=KEPT + COPIES * weights + (trials + 1) * STATE * weights,
        temporary=LOGS,
    )
