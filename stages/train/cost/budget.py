"""How many trials fit into a budget: by counting work, never by a clock, so that a plan can be
repeated.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall
from stages.train.search.search_space import Input, inputs_of

STARTING = 25.0  # Ray, Paddle, the model's export
GROWTH = 10.0  # heads taught on parts of the data, for the learning curve
BACKBONE = 8.0  # export of one family
DECODING = 0.006  # one picture: read, decode, augment, resize
LISTENING = 0.03  # one sound of some seconds: decode, resample, augment, spectrogram
WINDOWS = 10  # of a sound, for a family that has windows of its own, of about a second
ROW_EPOCH = 20e-6  # one row shown once to the heads of all folds
LEAST_SHOWN = 256  # in an epoch from scratch: few samples are shown again and again
TRAINING_STEP = 4  # a step from scratch beside a forward pass
OVERHEAD = 0.4  # a trial's messages
SHARE = 0.25  # of its most epochs that an average trial is taught, after halving
MOST = 32  # trials beyond this number bring nothing to a head


def trials_within(train: TrainConfig, samples: int, views: int, speed: float) -> int:
    """The trials that `train.budget_minutes` allow for `samples`, each with `views` copies.

    Raises BudgetTooSmall, saying what would be enough, if there is no time for one of each
    input."""
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
    return min(number, MOST)


def taken(train: TrainConfig, trials: int, samples: int, views: int) -> float:
    """Reference seconds for `trials`, their features and all that is done once."""
    return _fixed(train, samples * (1 + views)) + trials * _trial(train, samples, views)


def _fixed(train: TrainConfig, rows: int) -> float:
    """All that is done once."""
    return STARTING + (GROWTH if train.growth else 0.0) + _features(train, rows)


def _features(train: TrainConfig, rows: int) -> float:
    """Everything that is done once for each row, on two cores."""
    inputs = inputs_of(train)
    backbones = {
        model_input.family for model_input in inputs if model_input.initialised_family.features
    }
    sounds = any(FAMILIES[model_input.family].takes == "sounds" for model_input in inputs)
    reading = LISTENING if sounds else DECODING
    a_row: float = sum(
        reading + (pass_of(model_input) if model_input.family in backbones else 0)
        for model_input in inputs
    )
    return BACKBONE * len(backbones) + rows * a_row / 2


def pass_of(model_input: Input) -> float:
    """Seconds for all windows of a sample through the network, or one picture."""
    return model_input.seconds * (
        WINDOWS if "windows" in FAMILIES[model_input.family].spectrogram else 1
    )


def epoch_of(model_input: Input, train: TrainConfig, samples: int, views: int) -> float:
    """Seconds of one epoch of a trial of phase one. From scratch, every fold shows each sample
    once, whatever views there are, and two trials go on side by side."""
    if model_input.initialised_family.features:
        return ROW_EPOCH * samples * (1 + views)
    return TRAINING_STEP * pass_of(model_input) * max(samples, LEAST_SHOWN) * train.folds / 2


def _trial(train: TrainConfig, samples: int, views: int) -> float:
    """Seconds of one trial, in the mean over the inputs."""
    inputs = inputs_of(train)
    epoch = sum(epoch_of(model_input, train, samples, views) for model_input in inputs) / len(
        inputs
    )
    return OVERHEAD + epoch * train.epochs * SHARE


def _cheapest(train: TrainConfig) -> str:
    return min(train.families, key=lambda name: FAMILIES[name].cost)
