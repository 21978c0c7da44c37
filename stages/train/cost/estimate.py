"""Estimates minutes, memory and disk for the training of heads and for fine-tuning; `Estimate` is
also what the other stages and trainers return."""

from collections.abc import Iterable
from typing import NamedTuple

from stages.config import TrainConfig
from stages.train.cost.budget import WINDOWS_PER_CLIP, head_search_seconds
from stages.train.cost.distillation_budget import (
    WHOLE,
    StudentCost,
    student_costs,
    student_seconds,
)
from stages.train.cost.finetune_budget import (
    MAX_FEATURE_MAP_BYTES,
    UNFROZEN_SHARES,
    finetune_seconds,
    trials_per_batch,
    tunable,
)
from stages.train.distributed.batch_shards import shards_for
from stages.train.distributed.memory import MB, PADDLE_BYTES, RAY_BYTES, worker_bytes
from stages.train.search.search_space import HIDDEN_UNITS, Input, feature_count, inputs_of

FLOAT_BYTES = 4  # of a float32
HALF_BYTES = 2  # of a float16
DRIVER_BYTES = 650 * MB  # the process that searches: Paddle, ONNX Runtime, MLflow
LOG_BYTES = 60 * MB  # of Ray, while the search runs
RECORD_BYTES = 20 * MB  # MLflow's records, pages, the table of trials
SAVED_COPIES = 3  # of a network's weights on disk: arrays, Paddle's graph, ONNX
CHECKPOINT_COPIES = 4  # of a network's weights in a checkpoint: values, mean, two moments
FEATURE_MAP_BYTES = 64 * 1024  # of one image of 224 pixels, at all split points
# copies of a network's weights for each trial: current, initial, mean, best, optimizer state
STATES_PER_TRIAL = 14
STUDENT_BATCH = 32  # samples of a student's training step
STEP_COPIES = 4  # of a network's weights that a training step needs beside these
ACTIVATION_BYTES = 64 * MB  # of all layers and their gradients, for an image of 224 pixels
FRAMES = 100  # spectra in one window of a spectrogram


class Estimate(NamedTuple):
    """What a stage takes. `minutes`: wall-clock minutes on this machine; `memory`: bytes at the
    peak, of all processes together; `disk`: bytes that stay in the workspace; `temporary`: bytes of
    files outside it while the stage runs; `driver`: the part of `memory` that is not the workers';
    `files`: how many files stay in the workspace."""

    minutes: float = 0.0
    memory: int = 0
    disk: int = 0
    temporary: int = 0
    driver: int = 0
    files: int = 0


def of_heads(config: TrainConfig, samples: int, views: int, speed: float, threads: int) -> Estimate:
    """The estimate for heads on features, and for fine-tuning if `config` has such trials, on
    `samples` samples with `views` augmented copies each. `speed`: of the machine, relative to the
    reference machine; `threads`: cores that train heads at the same time."""
    inputs = inputs_of(config)
    trials = config.trials or 1
    seconds = head_search_seconds(config, trials, samples, views) + finetune_seconds(
        config, samples
    )
    seconds += student_seconds(config, samples)
    features = (
        sum(_row_bytes(config, model_input) for model_input in inputs) * samples * (1 + views)
    )
    map_bytes = max(feature_map_bytes(config, samples), student_map_bytes(config, samples))
    head_search_bytes = RAY_BYTES + DRIVER_BYTES + 2 * features
    finetuning = RAY_BYTES + DRIVER_BYTES + features + 2 * map_bytes if map_bytes else 0
    workers = min(config.workers, threads)
    worker_total = workers * worker_bytes(_group_bytes(config)) if map_bytes else 0
    return Estimate(
        minutes=seconds / 60 / speed,
        memory=max(
            head_search_bytes + threads * (PADDLE_BYTES + features), finetuning + worker_total
        ),
        disk=RECORD_BYTES + features + _weights_on_disk(config) + trials * _head_bytes(config),
        temporary=LOG_BYTES,
        driver=max(head_search_bytes, finetuning),
    )


def _group_bytes(config: TrainConfig) -> int:
    """Bytes that a worker of a process group allocates, in fine-tuning or for a student."""
    finetuned = finetune_bytes(config, tunable(config)) if config.finetune.trials else 0
    return max([finetuned, *(student_bytes(config, cost) for cost in student_costs(config))])


def finetune_bytes(config: TrainConfig, inputs: Iterable[Input]) -> int:
    """Bytes that a fine-tuning worker allocates for the most expensive of `inputs`: the states of
    all trials that may continue, and the tensors of one training step on a shard."""
    trials = trials_per_batch(config, config.finetune.trials or 1)
    return max(
        (STATES_PER_TRIAL * trials + STEP_COPIES) * weight_bytes(config, model_input)
        + _step_bytes(config, model_input)
        for model_input in inputs
    )


def student_bytes(config: TrainConfig, cost: StudentCost) -> int:
    """Bytes that a worker allocates for the student of `cost`: its states, and the tensors of one
    training step in which all its layers are trained."""
    shard = STUDENT_BATCH / shards_for(config.workers)
    step = shard * ACTIVATION_BYTES * (cost.model_input.size / 224) ** 2
    return int((STATES_PER_TRIAL + STEP_COPIES) * weight_bytes(config, cost.model_input) + step)


def _step_bytes(config: TrainConfig, model_input: Input) -> int:
    """Bytes of all layers' activations and gradients, for one shard of the largest batch."""
    shard = max(config.finetune.search_space.batch_size) / shards_for(config.workers)
    depth = max(UNFROZEN_SHARES[freeze] for freeze in config.finetune.search_space.freeze)
    return int(
        shard
        * ACTIVATION_BYTES
        * (model_input.size / 224) ** 2
        * (depth if any(model_input.initialised_family.split_points) else 1)
    )


def weight_bytes(config: TrainConfig, model_input: Input) -> int:
    """Bytes of a network's weights, as wide as the search of `config` may choose it."""
    widest = max(model_input.widths(config))
    return int(FLOAT_BYTES * model_input.initialised_family.parameters * widest**2)


def feature_map_bytes(config: TrainConfig, samples: int) -> int:
    """Bytes of the cached feature maps that fine-tuning trains on."""
    if not config.finetune.trials:
        return 0
    most_expensive = sorted(
        (FEATURE_MAP_BYTES * (model_input.size / 224) ** 2 for model_input in tunable(config)),
        reverse=True,
    )
    bytes_of_a_view = sum(most_expensive[: min(config.finetune.candidates, config.finetune.trials)])
    return int(min(MAX_FEATURE_MAP_BYTES, bytes_of_a_view * samples * (1 + config.finetune.views)))


def student_map_bytes(config: TrainConfig, samples: int) -> int:
    """Bytes of the cached feature maps that a student trains on, of the one with the most: windows
    where all layers are trained."""
    found = [0]
    for cost in student_costs(config):
        side = cost.model_input.size
        whole = HALF_BYTES * 3 * side**2
        each = whole if cost.freeze == WHOLE else FEATURE_MAP_BYTES * (side / 224) ** 2
        found.append(int(each * samples * (1 + cost.distillation.views)))
    return min(MAX_FEATURE_MAP_BYTES, max(found))


def _row_bytes(config: TrainConfig, model_input: Input) -> int:
    """Bytes that are cached for one view of a sample."""
    family = model_input.initialised_family
    if not family.from_scratch:
        return FLOAT_BYTES * feature_count(config, model_input)
    if family.takes == "pictures":
        return FLOAT_BYTES * 3 * model_input.size**2
    return FLOAT_BYTES * model_input.size * FRAMES * WINDOWS_PER_CLIP


def _weights_on_disk(config: TrainConfig) -> int:
    """Bytes on disk of backbones and frozen stems, the model, and checkpoints of fine-tuning."""
    sizes = [weight_bytes(config, model_input) for model_input in inputs_of(config)]
    saved = SAVED_COPIES * max(sizes)
    tuned = CHECKPOINT_COPIES * max(sizes) if config.finetune.trials else 0
    return 2 * sum(sizes) + saved + tuned


def _head_bytes(config: TrainConfig) -> int:
    """Bytes on disk of one trial's heads, at all rungs, until the model is saved."""
    width = max(feature_count(config, model_input) for model_input in inputs_of(config))
    return 2 * FLOAT_BYTES * config.folds * width * HIDDEN_UNITS
