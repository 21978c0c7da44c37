"""Computes how many trials of heads, or of networks from scratch, fit into a budget.

Times are computed from numbers of samples and epochs and not measured, so that equal arguments give
equal plans. Unless said otherwise, seconds are wall-clock seconds of the reference machine (two
cores, `machine_speed` 1); they were measured there and rounded up."""

from collections.abc import Sequence

from stages.config import TrainConfig
from stages.config.distillation import AUTO
from stages.models.genotype import parse
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.train.architecture.counted_limits import planned_shape
from stages.train.architecture.hand_designs import OPERATIONS
from stages.train.cost.architecture_cost import BATCH, mean_seconds, network_seconds
from stages.train.search.search_space import Input, inputs_of

REFERENCE_CORES = 2  # of the reference machine
STARTUP_SECONDS = 25.0  # Ray, Paddle, the model's export
LEARNING_CURVE_SECONDS = 10.0  # heads trained on parts of the data
EXPORT_SECONDS = 8.0  # export of one family
# seconds of one core: one image is read, decoded, augmented and resized
DECODING_SECONDS = 0.006
# seconds of one core: one clip of some seconds is decoded, resampled, augmented, made a spectrogram
CLIP_DECODING_SECONDS = 0.03
WINDOWS_PER_CLIP = 10  # for a family whose own windows last about a second
ROW_EPOCH_SECONDS = 20e-6  # the heads of all folds are trained on one row (a view of a sample) once
MIN_EPOCH_SAMPLES = 256  # in an epoch from scratch; fewer samples are repeated
SCRATCH_STEP_PASSES = 4  # cost of training from scratch on one window, in forward passes
TRIAL_OVERHEAD_SECONDS = 0.4  # communication for one trial
AVERAGE_EPOCH_SHARE = 0.25  # of `train.epochs`, in the mean over trials, as halving stops some
# the same of the best networks of a search, which gain by more epochs than others
REPEAT_EPOCH_SHARE = 0.75
MOST_SHARE_OF_REPEATS = 0.35  # of the budget, for further seeds of an architecture search
TEACHER_SECONDS = 5.0  # linear heads of all folds, the teachers of an architecture search
MAX_TRIALS = 32  # more do not improve a head
MIN_TRIALS_PER_INPUT = 4  # with fewer, more trials help more than a further family or fine-tuning
MAX_ARCHITECTURES = 600  # trials of all arms of an architecture search


def trials_within(config: TrainConfig, samples: int, views: int, speed: float) -> int:
    """The number of trials that `train.budget_minutes` allow for `samples` samples of train and
    validation with `views` augmented copies each; at most MAX_TRIALS, or MAX_ARCHITECTURES in an
    architecture search. `speed`: of the machine, relative to the reference machine.

    Raises BudgetTooSmall, saying which budget would be enough, if there is no time for one
    trial."""
    seconds = config.budget_minutes * 60 * speed
    fixed = _fixed_seconds(config, samples, views)
    of_trial = _trial_seconds(config, samples, views)
    count = int((seconds - fixed) // of_trial)
    if count < 1:
        minutes = (fixed + of_trial) / 60 / speed
        raise BudgetTooSmall(
            f"{config.budget_minutes:g} minutes are not enough to train anything on {samples} "
            f"samples with {views} views: it takes about {minutes:.1f}.",
            f"Set train.budget_minutes to {minutes * 1.2:.1f} or more, or train.families to "
            f"[{_cheapest(config)}] alone, or etl.views to 0.",
        )
    return min(count, MAX_ARCHITECTURES if config.architecture == "search" else MAX_TRIALS)


def with_repeats_within(config: TrainConfig, samples: int, views: int, speed: float) -> TrainConfig:
    """`config` with as many of `train.architecture_seeds` as take at most MOST_SHARE_OF_REPEATS of
    its minutes; unchanged if it searches no architecture. Arguments as of `trials_within`."""
    if not config.has_repeats:
        return config
    most = MOST_SHARE_OF_REPEATS * config.budget_minutes * 60 * speed
    for seeds in range(config.architecture_seeds, 1, -1):
        fewer = config.model_copy(update={"architecture_seeds": seeds})
        if _repeat_seconds(fewer, samples, views) <= most:
            return fewer
    return config.model_copy(update={"architecture_seeds": 1})


def head_search_seconds(config: TrainConfig, trials: int, samples: int, views: int) -> float:
    """Seconds for `trials` trials, the features and all other work that is done once."""
    return _fixed_seconds(config, samples, views) + trials * _trial_seconds(config, samples, views)


def _fixed_seconds(config: TrainConfig, samples: int, views: int) -> float:
    """Seconds of the work that a search does once, for `samples` samples with `views` augmented
    copies each."""
    learning_curve = LEARNING_CURVE_SECONDS if config.growth else 0.0
    rows = samples * (1 + views)
    return (
        STARTUP_SECONDS
        + learning_curve
        + _feature_seconds(config, rows)
        + _repeat_seconds(config, samples, views)
        + _teacher_seconds(config, rows)
    )


def _repeat_seconds(config: TrainConfig, samples: int, views: int) -> float:
    """Seconds of the further seeds of an architecture search; and of the best network without its
    teacher, if there is one. 0 without a search."""
    if not config.has_repeats:
        return 0.0
    arms = len({config.controller, *config.baselines, *OPERATIONS, *config.genotypes})
    trainings = arms * (config.architecture_seeds - 1)
    trainings += config.architecture_seeds if config.distils else 0
    [model_input] = inputs_of(config)
    epoch = epoch_seconds(model_input, config, samples, views)
    return trainings * (TRIAL_OVERHEAD_SECONDS + REPEAT_EPOCH_SHARE * config.epochs * epoch)


def _teacher_seconds(config: TrainConfig, rows: int) -> float:
    """Seconds until the teacher of an architecture search has answered `rows` views; 0 without."""
    teacher = teacher_input(config)
    if teacher is None:
        return 0.0
    answers = rows * (DECODING_SECONDS + forward_seconds(teacher)) / REFERENCE_CORES
    return EXPORT_SECONDS + answers + TEACHER_SECONDS


def teacher_input(config: TrainConfig) -> Input | None:
    """The input of the teacher of an architecture search; None without one."""
    distil = config.distils
    if distil is None or config.architecture != "search":
        return None
    if distil.teacher == AUTO:
        raise ConfigError(
            "train.distil.teacher is auto: which family it is, is known once the run is planned.",
            "Plan the pipeline, or name a family.",
        )
    # train.input_sizes are those of the searched networks
    return smallest_input(config.model_copy(update={"input_sizes": ()}), distil.teacher)


def smallest_input(config: TrainConfig, family: str) -> Input:
    """The `family` at the smallest of its sizes, as `config` would take it if it named no other.
    Raises what `inputs_of` raises."""
    alone = config.model_copy(update={"families": (family,), "larger": False})
    return min(inputs_of(alone), key=lambda model_input: model_input.size)


def _feature_seconds(config: TrainConfig, rows: int) -> float:
    """Seconds to export the backbones and compute the features of `rows` rows, on all cores."""
    inputs = inputs_of(config)
    backbones = {
        model_input.family
        for model_input in inputs
        if not model_input.initialised_family.from_scratch
    }
    sounds = any(FAMILIES[model_input.family].takes == "sounds" for model_input in inputs)
    reading = CLIP_DECODING_SECONDS if sounds else DECODING_SECONDS
    seconds_per_row: float = sum(
        reading + (forward_seconds(model_input) if model_input.family in backbones else 0)
        for model_input in inputs
    )
    return EXPORT_SECONDS * len(backbones) + rows * seconds_per_row / REFERENCE_CORES


def forward_seconds(model_input: Input) -> float:
    """Seconds of one core for the forward pass of one sample: all windows of a clip, or one
    image."""
    return model_input.seconds * (
        WINDOWS_PER_CLIP if "windows" in FAMILIES[model_input.family].spectrogram else 1
    )


def epoch_seconds(
    model_input: Input,
    config: TrainConfig,
    samples: int,
    views: int,
    width: float | None = None,
    genotype: str = "",
    batch: int = BATCH,
) -> float:
    """Seconds of one epoch of a trial of the first phase on `samples` samples with `views`
    augmented copies each. From scratch, every fold sees each sample once, whatever the number of
    views, and each core trains another trial. `width`,
    `genotype`: of the trial's network, `batch`: the samples of its steps; without a network, the
    mean over those that the search may choose."""
    if not model_input.initialised_family.from_scratch:
        return ROW_EPOCH_SECONDS * samples * (1 + views)
    return (
        SCRATCH_STEP_PASSES
        * _scratch_seconds(model_input, config, genotype, batch)
        * _width_cost(model_input.widths(config) if width is None else (width,))
        * max(samples, MIN_EPOCH_SAMPLES)
        * config.folds
        / REFERENCE_CORES
    )


def _scratch_seconds(
    model_input: Input, config: TrainConfig, genotype: str, batch: int = BATCH
) -> float:
    """Seconds of one core for the forward pass of one sample through a network from scratch."""
    if not model_input.initialised_family.searched:
        return forward_seconds(model_input)
    if not genotype and config.genotypes and config.architecture != "search":
        every = [_scratch_seconds(model_input, config, each) for each in config.genotypes.values()]
        return sum(every) / len(every)
    if not genotype:
        return mean_seconds(config, model_input)
    return network_seconds(parse(genotype), planned_shape(model_input), batch)


def _width_cost(widths: Sequence[float]) -> float:
    """The mean cost of networks of these `widths`, relative to width 1: twice the channels take 3.2
    to 3.8 times as long in training."""
    return sum(width**2 for width in widths) / len(widths)


def _trial_seconds(config: TrainConfig, samples: int, views: int) -> float:
    """Seconds of one trial of the first phase, in the mean over the inputs."""
    inputs = inputs_of(config)
    mean_seconds = sum(
        epoch_seconds(model_input, config, samples, views) for model_input in inputs
    ) / len(inputs)
    return TRIAL_OVERHEAD_SECONDS + mean_seconds * config.epochs * AVERAGE_EPOCH_SHARE


def _cheapest(config: TrainConfig) -> str:
    return min(config.families, key=lambda name: FAMILIES[name].cost)
