"""Minutes, memory and disk that a stage takes, estimated from counts; here for heads and
fine-tuning."""

from collections.abc import Iterable
from typing import NamedTuple

from stages.config import TrainConfig
from stages.train.cost.budget import WINDOWS, taken
from stages.train.cost.finetune_budget import (
    MAX_FEATURE_MAP_BYTES,
    UNFROZEN_SHARES,
    trials_per_batch,
    tunable,
    tuning_takes,
)
from stages.train.distributed.batch_shards import shards_for
from stages.train.distributed.room import MB, PADDLE, RAY, worker_bytes
from stages.train.search.search_space import UNITS, Input, inputs_of

FLOAT_BYTES = 4
DRIVER_BYTES = 650 * MB  # the process that searches: Paddle, ONNX Runtime, MLflow
LOG_BYTES = 60 * MB  # of Ray, while the search runs
RECORD_BYTES = 20 * MB  # MLflow's records, pages, the table of trials
SAVED_COPIES = 3  # of a network's weights on disk: arrays, Paddle's graph, ONNX
CHECKPOINT_COPIES = 4  # of a network's weights in a checkpoint: values, mean, two moments
FEATURE_MAP_BYTES = 64 * 1024  # of one image of 224 pixels, at all split points
# copies of a network's weights for each trial: current, initial, mean, best, optimizer state
STATES_PER_TRIAL = 14
STEP_COPIES = 4  # of a network's weights during a training step
ACTIVATION_BYTES = 64 * MB  # of all layers and their gradients, for an image of 224 pixels
FRAMES = 100  # in a window of a spectrogram


class Estimate(NamedTuple):
    """`minutes` on this machine; bytes of `memory` at the peak, of all processes together; bytes of
    `disk` in the workspace, and of `temporary` files outside it while the stage runs. `driver`: the
    part of `memory` that is not the workers'. `files`: how many are kept in the workspace."""

    minutes: float = 0.0
    memory: int = 0
    disk: int = 0
    temporary: int = 0
    driver: int = 0
    files: int = 0


def of_heads(train: TrainConfig, samples: int, views: int, speed: float, threads: int) -> Estimate:
    """The estimate for heads on features, and for fine-tuning if `train` has such trials."""
    inputs = inputs_of(train)
    trials = train.trials or 1
    seconds = taken(train, trials, samples, views) + tuning_takes(train, samples)
    features = sum(_row(model_input) for model_input in inputs) * samples * (1 + views)
    map_bytes = feature_map_bytes(train, samples)
    heads = RAY + DRIVER_BYTES + 2 * features
    finetuning = RAY + DRIVER_BYTES + features + 2 * map_bytes if map_bytes else 0
    workers = min(train.workers, threads)
    worker_total = workers * worker_bytes(finetune_bytes(train, tunable(train))) if map_bytes else 0
    return Estimate(
        minutes=seconds / 60 / speed,
        memory=max(heads + threads * (PADDLE + features), finetuning + worker_total),
        disk=RECORD_BYTES + features + _weights(train) + trials * _head(train),
        temporary=LOG_BYTES,
        driver=max(heads, finetuning),
    )


def finetune_bytes(train: TrainConfig, inputs: Iterable[Input]) -> int:
    """Bytes that a fine-tuning worker allocates for `inputs`: the state of all trials that may be
    continued, and the tensors of one training step on a shard."""
    trials = trials_per_batch(train, train.finetune.trials or 1)
    return max(
        (STATES_PER_TRIAL * trials + STEP_COPIES) * _weight_bytes(model_input)
        + _step(train, model_input)
        for model_input in inputs
    )


def _step(train: TrainConfig, model_input: Input) -> int:
    """Bytes of all layers' activations and gradients, for one shard of the largest batch."""
    shard = max(train.finetune.search_space.batch_size) / shards_for(train.workers)
    depth = max(UNFROZEN_SHARES[freeze] for freeze in train.finetune.search_space.freeze)
    return int(
        shard
        * ACTIVATION_BYTES
        * (model_input.size / 224) ** 2
        * (depth if any(model_input.initialised_family.split_points) else 1)
    )


def _weight_bytes(model_input: Input) -> int:
    """Bytes of a network's weights."""
    return FLOAT_BYTES * model_input.initialised_family.parameters


def feature_map_bytes(train: TrainConfig, samples: int) -> int:
    """Bytes of the cached feature maps that fine-tuning trains on."""
    if not train.finetune.trials:
        return 0
    dearest = sorted(
        (FEATURE_MAP_BYTES * (model_input.size / 224) ** 2 for model_input in tunable(train)),
        reverse=True,
    )
    bytes_of_a_view = sum(dearest[: min(train.finetune.candidates, train.finetune.trials)])
    return int(min(MAX_FEATURE_MAP_BYTES, bytes_of_a_view * samples * (1 + train.finetune.views)))


def _row(model_input: Input) -> int:
    """Bytes that are cached for one view of a sample."""
    family = model_input.initialised_family
    if not family.from_scratch:
        return FLOAT_BYTES * family.features
    if family.takes == "pictures":
        return FLOAT_BYTES * 3 * model_input.size**2
    return FLOAT_BYTES * model_input.size * FRAMES * WINDOWS


def _weights(train: TrainConfig) -> int:
    """Bytes on disk of backbones and frozen stems, the model, and checkpoints of fine-tuning."""
    sizes = [_weight_bytes(model_input) for model_input in inputs_of(train)]
    saved = SAVED_COPIES * max(sizes)
    tuned = CHECKPOINT_COPIES * max(sizes) if train.finetune.trials else 0
    return 2 * sum(sizes) + saved + tuned


def _head(train: TrainConfig) -> int:
    """Bytes on disk of one trial's heads, at all rungs, until the model is saved."""
    width = max(model_input.initialised_family.features for model_input in inputs_of(train))
    return 2 * FLOAT_BYTES * train.folds * width * UNITS
