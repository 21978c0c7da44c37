"""What teaching detectors takes, foreseen by count."""

from stages.config import TrainConfig
from stages.train.cost.detection_budget import SPARE, takes
from stages.train.cost.estimate import DRIVER, FLOAT, LOGS, RECORDS, STATE, Estimate
from stages.train.distributed.room import MB, RAY, worker_bytes
from stages.train.search.search_space import inputs_of

STEP = 700 * MB  # what a step of one worker needs for a while
COPIES = 4  # of a network's weights: backbone, and the model three times


def worker_data(weights: int) -> int:
    """Bytes that one worker makes for itself, of a network whose weights take `weights`."""
    return STEP + STATE * weights


def of_detectors(train: TrainConfig, samples: int, speed: float) -> Estimate:
    """For `train.trials` detectors of `train.epochs`."""
    inputs = inputs_of(train)
    weights = max(FLOAT * one.initialised_family.parameters for one in inputs)
    scenes = samples * 3 * int(SPARE * max(one.size for one in inputs)) ** 2
    trials, driver = train.trials or 1, RAY + DRIVER + 3 * scenes
    return Estimate(
        minutes=takes(train, samples) / 60 / speed,
        memory=driver + train.workers * worker_bytes(worker_data(weights)),
        disk=RECORDS + COPIES * weights + (trials + 1) * STATE * weights,
        temporary=LOGS,
        driver=driver,
    )
