"""Computes how many trials of a detector, and epochs of each, fit into a budget.

Times are computed from numbers of images and epochs and not measured, so that equal arguments give
equal plans. Seconds are those of the reference machine (two cores, `machine_speed` 1), wall-clock
or of one core as each name's text says; they were measured there and rounded up."""

from collections.abc import Sequence

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall
from stages.train.search.search_space import Input, inputs_of

BATCH_PARTS = 2  # a batch is divided into so many parts: no more workers can train one trial
STARTUP_SECONDS = 75.0  # wall-clock: Ray, Paddle, the exports of the backbone and of the model
LOADING_SECONDS = 0.010  # of one core: one image is augmented and resized
TRAINING_SHARE = 0.85  # of the samples of train and validation are trained on (default splits)
VALIDATION_COST = 1.1  # cost of training with validation, relative to training alone
RACE_EPOCHS = 3  # before trials have come so far, their comparison tells little
FIRST_RUNG_DIVISOR = 12  # trials are compared after `train.epochs` divided by this
MAX_TRIALS = 8  # more bring no gain
ZOOM_MARGIN = 1.5  # side of a cached image over that of the network's input, so that it can zoom in
MIN_EPOCHS = 10  # fewer do not train a detector


def seconds_per_image(model_input: Input) -> float:
    """Seconds of one core to train a detector with `model_input` (a family at an image size) on one
    image, once."""
    family = FAMILIES[model_input.family]
    return float(family.training_cost * model_input.seconds + LOADING_SECONDS)


def passes_of(inputs: Sequence[Input]) -> dict[str, float]:
    """How often an epoch of each of `inputs` goes through the training split, by its name: once for
    the most expensive one, as often for the others as takes the same time. So trials of all inputs
    are compared after equal time, and the best of them uses all that is left."""
    seconds = {model_input.name: seconds_per_image(model_input) for model_input in inputs}
    longest = max(seconds.values())
    return {name: longest / each for name, each in seconds.items()}


def cores_of(config: TrainConfig) -> int:
    """How many cores of the reference machine the workers of one trial use."""
    return min(BATCH_PARTS, config.workers)


def first_rung_epochs(epochs: int) -> int:
    """The number of epochs after which trials are compared, if a whole training takes `epochs`."""
    return max(1, epochs // FIRST_RUNG_DIVISOR)


def plan(config: TrainConfig, samples: int, speed: float) -> TrainConfig:
    """`config` with as many epochs as `train.budget_minutes` allow, at most `train.epochs`, and
    then with as many trials, at least one for each input and at most MAX_TRIALS (or the number of
    inputs if that is larger). `samples`: images of train and validation; `speed`: of the machine,
    relative to the reference machine.

    While the budget is too small to compare families after RACE_EPOCHS epochs, the most expensive
    one is left out and added to `train.excluded`: the cheapest one gets all the time.

    Raises BudgetTooSmall, saying which budget would be enough, if there is no time for one trial of
    each input with MIN_EPOCHS epochs, or with `train.epochs` if these are fewer."""
    last = len({model_input.family for model_input in inputs_of(config)}) == 1
    try:
        planned = _plan_for_all(config, samples, speed)
    except BudgetTooSmall:
        if last:
            raise
    else:
        is_whole = planned.epochs == config.epochs
        if last or is_whole or first_rung_epochs(planned.epochs) >= RACE_EPOCHS:
            return planned
    return plan(_without_most_expensive(config), samples, speed)


def _without_most_expensive(config: TrainConfig) -> TrainConfig:
    """`config` without the family whose training takes longest; of equals, the last named."""
    inputs = inputs_of(config)
    most_expensive = max(reversed(inputs), key=seconds_per_image).family
    why = f"{config.budget_minutes:g} minutes are too few to compare it with others"
    return config.model_copy(
        update={
            "families": tuple(name for name in config.families if name != most_expensive),
            "excluded": {**config.excluded, most_expensive: why},
        }
    )


def _plan_for_all(config: TrainConfig, samples: int, speed: float) -> TrainConfig:
    """`plan` for all families of `config`, however few minutes there are to compare them."""
    inputs = inputs_of(config)
    core_seconds = cores_of(config) * (config.budget_minutes * 60 * speed - STARTUP_SECONDS)
    minimum = min(MIN_EPOCHS, config.epochs)
    affordable_epochs = [
        epochs
        for epochs in range(minimum, config.epochs + 1)
        if _core_seconds(inputs, epochs, len(inputs), samples) <= core_seconds
    ]
    if not affordable_epochs:
        raise _too_small(config, inputs, minimum, samples, speed)
    affordable_trials = [
        count
        for count in range(len(inputs), max(MAX_TRIALS, len(inputs)) + 1)
        if _core_seconds(inputs, affordable_epochs[-1], count, samples) <= core_seconds
    ]
    return config.model_copy(
        update={"epochs": affordable_epochs[-1], "trials": affordable_trials[-1]}
    )


def detection_seconds(config: TrainConfig, samples: int) -> float:
    """Wall-clock seconds of the whole training for the epochs and trials that `config` has, on
    `samples` images of train and validation."""
    inputs = inputs_of(config)
    work = _core_seconds(inputs, config.epochs, config.trials or 1, samples)
    return STARTUP_SECONDS + work / cores_of(config)


def _core_seconds(inputs: tuple[Input, ...], epochs: int, trials: int, samples: int) -> float:
    """Seconds of one core for a search: the first rung of all `trials`, and the other epochs of
    one. An epoch takes equally long for every input (`passes_of`)."""
    longest = max(seconds_per_image(model_input) for model_input in inputs)
    epoch = longest * samples * TRAINING_SHARE * VALIDATION_COST
    first_rung = first_rung_epochs(epochs) if trials > 1 else 0
    return (first_rung * trials + epochs - first_rung) * epoch


def _too_small(
    config: TrainConfig, inputs: tuple[Input, ...], epochs: int, samples: int, speed: float
) -> BudgetTooSmall:
    wanted = (
        _core_seconds(inputs, epochs, len(inputs), samples) / cores_of(config) + STARTUP_SECONDS
    )
    minutes = wanted / 60 / speed
    cheapest = min(config.families, key=lambda name: FAMILIES[name].cost)
    return BudgetTooSmall(
        f"{config.budget_minutes:g} minutes are not enough to train a detector on {samples} "
        f"samples: {epochs} epochs take about {minutes:.1f}.",
        f"Set train.budget_minutes to {minutes * 1.2:.1f} or more, or train.families to "
        f"[{cheapest}] alone, or train.input_sizes to smaller ones.",
    )
