"""How many trials of a detector, and epochs of each, fit into a budget. Work is counted and no
clock is read.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall
from stages.train.search.search_space import Input, inputs_of

HALVES = 2  # of a batch: one trial can use no more workers than these
STARTUP_SECONDS = 75.0  # Ray, Paddle, the backbone's and the model's export
LOADING_SECONDS = 0.010  # one image: augment, resize
TRAINING_SHARE = 0.85  # of the training and validation samples, with the default splits
VALIDATION_COST = 1.1  # training and validation, relative to training alone
FIRST_RUNG_DIVISOR = 12  # trials are compared after `epochs` divided by this
MAX_TRIALS = 8  # more bring no gain
ZOOM_MARGIN = 1.5  # side of a cached image relative to the network's input: enough to zoom in
MIN_EPOCHS = 10  # fewer do not train a detector


def training_seconds(model_input: Input) -> float:
    """Seconds of one core to train on one image, once."""
    family = FAMILIES[model_input.family]
    return float(family.training_cost * model_input.seconds + LOADING_SECONDS)


def cores_of(train: TrainConfig) -> int:
    """Cores of the reference machine that the workers of `train` use."""
    return min(HALVES, train.workers)


def race_of(epochs: int) -> int:
    """The number of epochs after which trials are compared."""
    return max(1, epochs // FIRST_RUNG_DIVISOR)


def planned(train: TrainConfig, samples: int, speed: float) -> TrainConfig:
    """`train` with as many epochs, and then as many trials, as `budget_minutes` allow for `samples`
    images: at most `train.epochs`, and at least one trial for each input.

    Raises BudgetTooSmall, saying which budget would be enough, if there is no time for MIN_EPOCHS
    epochs."""
    inputs = inputs_of(train)
    budget = cores_of(train) * (train.budget_minutes * 60 * speed - STARTUP_SECONDS)
    minimum = min(MIN_EPOCHS, train.epochs)
    fitting = [
        epochs
        for epochs in range(minimum, train.epochs + 1)
        if _cost(inputs, epochs, len(inputs), samples) <= budget
    ]
    if not fitting:
        raise _too_small(train, inputs, minimum, samples, speed)
    trials = [
        count
        for count in range(len(inputs), max(MAX_TRIALS, len(inputs)) + 1)
        if _cost(inputs, fitting[-1], count, samples) <= budget
    ]
    return train.model_copy(update={"epochs": fitting[-1], "trials": trials[-1]})


def takes(train: TrainConfig, samples: int) -> float:
    """Seconds for the epochs and trials that `train` has."""
    inputs = inputs_of(train)
    work = _cost(inputs, train.epochs, train.trials or 1, samples)
    return STARTUP_SECONDS + work / cores_of(train)


def _cost(inputs: tuple[Input, ...], epochs: int, trials: int, samples: int) -> float:
    """Seconds of one core: the first rung of all `trials`, of which the most expensive one is
    trained to the end."""
    costs = [
        training_seconds(model_input) * samples * TRAINING_SHARE * VALIDATION_COST
        for model_input in inputs
    ]
    first_rung = race_of(epochs) if trials > 1 else 0
    epoch_of_all = sum(costs) + max(costs) * (trials - len(costs))
    return first_rung * epoch_of_all + (epochs - first_rung) * max(costs)


def _too_small(
    train: TrainConfig, inputs: tuple[Input, ...], epochs: int, samples: int, speed: float
) -> BudgetTooSmall:
    wanted = _cost(inputs, epochs, len(inputs), samples) / cores_of(train) + STARTUP_SECONDS
    minutes = wanted / 60 / speed
    cheapest = min(train.families, key=lambda name: FAMILIES[name].cost)
    return BudgetTooSmall(
        f"{train.budget_minutes:g} minutes are not enough to train a detector on {samples} "
        f"samples: {epochs} epochs take about {minutes:.1f}.",
        f"Set train.budget_minutes to {minutes * 1.2:.1f} or more, or train.families to "
        f"[{cheapest}] alone, or train.input_sizes to smaller ones.",
    )
