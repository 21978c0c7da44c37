"""What a stage takes, foreseen by count: minutes, memory, disk; here what teaching heads and tails
takes."""

from collections.abc import Iterable
from typing import NamedTuple

from stages.config import TrainConfig
from stages.settings import Settings
from stages.train.cost.budget import WINDOWS, taken
from stages.train.cost.finetune_budget import MAPS, SHARES, together, tunable, tuning_takes
from stages.train.distributed.batch_shards import shards_for
from stages.train.distributed.room import MB, PADDLE, RAY, worker_bytes
from stages.train.search.search_space import UNITS, Input, inputs_of

FLOAT = 4  # bytes
DRIVER = 650 * MB  # the one that searches: Paddle, ONNX Runtime, MLflow
LOGS = 60 * MB  # of Ray, for as long as the search lasts
RECORDS = 20 * MB  # MLflow's records, pages, the table of trials
COPIES = 3  # of a network's weights in what is saved: arrays, Paddle's graph, ONNX
STATE = 4  # of a network's weights in a checkpoint: values, mean, and two of the optimizer
MAP = 64 * 1024  # bytes of the maps of one picture of 224 pixels, at all cuts together
# copies of a network's weights for each trial: current, initial, mean, best, the optimizer's
STATES_PER_TRIAL = 14
STEP_COPIES = 4  # of a network's weights while a step is made
LAYERS = 64 * MB  # the maps of all layers of a picture of 224 pixels, and what teaching adds
FRAMES = 100  # of a spectrogram's window


class Estimate(NamedTuple):
    """`minutes` on this machine; bytes of `memory` at the peak, of all processes together; bytes of
    `disk` in the workspace, and of `temporary` beside it while it lasts. `driver`: of the `memory`,
    what is needed beside workers. `files`: how many are kept in the workspace."""

    minutes: float = 0.0
    memory: int = 0
    disk: int = 0
    temporary: int = 0
    driver: int = 0
    files: int = 0


def here(train: Estimate, settings: Settings) -> Estimate:
    """What of `train` this machine has to give. On a cluster Ray finds room for workers; who drives
    a Ray Job is there, too."""
    if settings.ray == "local":
        return train
    if settings.job_address:
        return Estimate(train.minutes, disk=0 if settings.store else train.disk)
    return train._replace(memory=train.driver)


def of_heads(train: TrainConfig, samples: int, views: int, speed: float, threads: int) -> Estimate:
    """For heads on features, and for tails if `train` has trials of phase two."""
    inputs = inputs_of(train)
    trials = train.trials or 1
    seconds = taken(train, trials, samples, views) + tuning_takes(train, samples)
    features = sum(_row(model_input) for model_input in inputs) * samples * (1 + views)
    map_bytes = feature_map_bytes(train, samples)
    heads = RAY + DRIVER + 2 * features
    tails = RAY + DRIVER + features + 2 * map_bytes if map_bytes else 0
    workers = min(train.workers, threads)
    worker_total = workers * worker_bytes(finetune_bytes(train, tunable(train))) if map_bytes else 0
    return Estimate(
        minutes=seconds / 60 / speed,
        memory=max(heads + threads * (PADDLE + features), tails + worker_total),
        disk=RECORDS + features + _weights(train) + trials * _head(train),
        temporary=LOGS,
        driver=max(heads, tails),
    )


def finetune_bytes(train: TrainConfig, inputs: Iterable[Input]) -> int:
    """What a worker of phase two makes for itself, if it teaches tails of `inputs`: the numbers of
    all trials that may go on, and what one step makes of a shard."""
    trials = together(train, train.finetune.trials or 1)
    return max(
        (STATES_PER_TRIAL * trials + STEP_COPIES) * _numbers(model_input)
        + _step(train, model_input)
        for model_input in inputs
    )


def _step(train: TrainConfig, model_input: Input) -> int:
    """Bytes of all layers' maps and their gradients, for one shard of the largest batch."""
    shard = max(train.finetune.search_space.batch_size) / shards_for(train.workers)
    depth = max(SHARES[freeze] for freeze in train.finetune.search_space.freeze)
    return int(
        shard
        * LAYERS
        * (model_input.size / 224) ** 2
        * (depth if any(model_input.initialised_family.split_points) else 1)
    )


def _numbers(model_input: Input) -> int:
    """Bytes of a network's weights."""
    return FLOAT * model_input.initialised_family.parameters


def feature_map_bytes(train: TrainConfig, samples: int) -> int:
    """Bytes of the maps that phase two teaches tails with."""
    if not train.finetune.trials:
        return 0
    dearest = sorted(
        (MAP * (model_input.size / 224) ** 2 for model_input in tunable(train)), reverse=True
    )
    bytes_of_a_view = sum(dearest[: min(train.finetune.candidates, train.finetune.trials)])
    return int(min(MAPS, bytes_of_a_view * samples * (1 + train.finetune.views)))


def _row(model_input: Input) -> int:
    """Bytes that a view of a sample is kept in."""
    if model_input.initialised_family.features:
        return FLOAT * model_input.initialised_family.features
    return FLOAT * model_input.size * FRAMES * WINDOWS


def _weights(train: TrainConfig) -> int:
    """Backbones and their fronts, the model, and checkpoints of phase two."""
    sizes = [_numbers(model_input) for model_input in inputs_of(train)]
    saved = COPIES * max(sizes)
    tuned = STATE * max(sizes) if train.finetune.trials else 0
    return 2 * sum(sizes) + saved + tuned


def _head(train: TrainConfig) -> int:
    """Bytes that the legs of one trial are kept in until the model is saved."""
    width = max(model_input.initialised_family.features for model_input in inputs_of(train))
    return 2 * FLOAT * train.folds * width * UNITS
