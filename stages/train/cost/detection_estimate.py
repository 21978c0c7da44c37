"""Estimates minutes, memory and disk for the training of detectors."""

from stages.config import TrainConfig
from stages.train.cost.detection_budget import ZOOM_MARGIN, detection_seconds
from stages.train.cost.estimate import (
    CHECKPOINT_COPIES,
    DRIVER_BYTES,
    FLOAT_BYTES,
    LOG_BYTES,
    RECORD_BYTES,
    Estimate,
)
from stages.train.distributed.memory import MB, RAY_BYTES, worker_bytes
from stages.train.search.search_space import inputs_of

STEP_BYTES = 700 * MB  # temporary memory of one worker's training step
SAVED_COPIES = 4  # of a network's weights on disk: the backbone, and three of the model


def worker_data_bytes(weights: int) -> int:
    """Bytes that one worker allocates for a network whose weights take `weights` bytes."""
    return STEP_BYTES + CHECKPOINT_COPIES * weights


def of_detectors(config: TrainConfig, samples: int, speed: float) -> Estimate:
    """The estimate for `train.trials` detectors of `train.epochs` epochs, on `samples` images of
    train and validation; `speed`: of the machine, relative to the reference machine."""
    inputs = inputs_of(config)
    weights = max(FLOAT_BYTES * model_input.initialised_family.parameters for model_input in inputs)
    scenes = samples * 3 * int(ZOOM_MARGIN * max(model_input.size for model_input in inputs)) ** 2
    trials, driver = config.trials or 1, RAY_BYTES + DRIVER_BYTES + 3 * scenes
    return Estimate(
        minutes=detection_seconds(config, samples) / 60 / speed,
        memory=driver + config.workers * worker_bytes(worker_data_bytes(weights)),
        disk=RECORD_BYTES + SAVED_COPIES * weights + (trials + 1) * CHECKPOINT_COPIES * weights,
        temporary=LOG_BYTES,
        driver=driver,
    )
