"""How many trials fit into a budget. Work is counted and no clock is read, so that a plan is
reproducible.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall
from stages.train.search.search_space import Input, inputs_of

STARTUP_SECONDS = 25.0  # Ray, Paddle, the model's export
LEARNING_CURVE_SECONDS = 10.0  # heads trained on parts of the data
EXPORT_SECONDS = 8.0  # export of one family
DECODING = 0.006  # one image: read, decode, augment, resize
LISTENING = 0.03  # one clip of some seconds: decode, resample, augment, spectrogram
WINDOWS = 10  # of a clip, for a family whose own windows last about a second
ROW_EPOCH = 20e-6  # training the heads of all folds on one row, once
MIN_EPOCH_SAMPLES = 256  # in an epoch from scratch: fewer are repeated
TRAINING_STEP = 4  # cost of a step from scratch, in forward passes
OVERHEAD = 0.4  # seconds of communication for a trial
AVERAGE_EPOCH_SHARE = 0.25  # of `epochs`, in the mean over trials, as halving stops some
MAX_TRIALS = 32  # more do not improve a head


def trials_within(train: TrainConfig, samples: int, views: int, speed: float) -> int:
    """The number of trials that `train.budget_minutes` allow for `samples`, each with `views`
    augmented copies.

    Raises BudgetTooSmall, saying which budget would be enough, if there is no time for one
    trial."""
    seconds = train.budget_minutes * 60 * speed
    rows = samples * (1 + views)
    fixed = _fixed(train, rows)
    each = _trial(train, samples, views)
    number = int((seconds - fixed) // each)
    if number < 1:
        minutes = (fixed + each) / 60 / speed
        raise BudgetTooSmall(
            f"{train.budget_minutes:g} minutes are not enough to train anything on {samples} "
            f"samples with {views} views: it takes about {minutes:.1f}.",
            f"Set train.budget_minutes to {minutes * 1.2:.1f} or more, or train.families to "
            f"[{_cheapest(train)}] alone, or etl.views to 0.",
        )
    return min(number, MAX_TRIALS)


def taken(train: TrainConfig, trials: int, samples: int, views: int) -> float:
    """Reference seconds for `trials`, the features and all other work that is done once."""
    return _fixed(train, samples * (1 + views)) + trials * _trial(train, samples, views)


def _fixed(train: TrainConfig, rows: int) -> float:
    """Seconds of the work that is done once."""
    learning_curve = LEARNING_CURVE_SECONDS if train.growth else 0.0
    return STARTUP_SECONDS + learning_curve + _features(train, rows)


def _features(train: TrainConfig, rows: int) -> float:
    """Seconds of the work that is done once for each row, on two cores."""
    inputs = inputs_of(train)
    backbones = {
        model_input.family
        for model_input in inputs
        if not model_input.initialised_family.from_scratch
    }
    sounds = any(FAMILIES[model_input.family].takes == "sounds" for model_input in inputs)
    reading = LISTENING if sounds else DECODING
    a_row: float = sum(
        reading + (pass_of(model_input) if model_input.family in backbones else 0)
        for model_input in inputs
    )
    return EXPORT_SECONDS * len(backbones) + rows * a_row / 2


def pass_of(model_input: Input) -> float:
    """Seconds of a forward pass: all windows of a clip, or one image."""
    return model_input.seconds * (
        WINDOWS if "windows" in FAMILIES[model_input.family].spectrogram else 1
    )


def epoch_of(model_input: Input, train: TrainConfig, samples: int, views: int) -> float:
    """Seconds of one epoch of a trial of the first phase. From scratch, every fold sees each sample
    once, whatever the number of views, and two trials are trained in parallel."""
    if not model_input.initialised_family.from_scratch:
        return ROW_EPOCH * samples * (1 + views)
    return TRAINING_STEP * pass_of(model_input) * max(samples, MIN_EPOCH_SAMPLES) * train.folds / 2


def _trial(train: TrainConfig, samples: int, views: int) -> float:
    """Seconds of one trial, in the mean over the inputs."""
    inputs = inputs_of(train)
    epoch = sum(epoch_of(model_input, train, samples, views) for model_input in inputs) / len(
        inputs
    )
    return OVERHEAD + epoch * train.epochs * AVERAGE_EPOCH_SHARE


def _cheapest(train: TrainConfig) -> str:
    return min(train.families, key=lambda name: FAMILIES[name].cost)
