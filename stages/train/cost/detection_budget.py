"""How many trials, and epochs of each, fit into a budget: by counting work, never by a clock.

The numbers are seconds on the reference machine (two cores, `machine_speed` 1), rounded up."""

from stages.config import TrainConfig
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall
from stages.train.search.search_space import Input, inputs_of

HALVES = 2  # of a batch: more workers than these cannot teach one trial together
STARTING = 75.0  # Ray, Paddle, the backbone's and the model's export
SHOWING = 0.010  # one picture: change, resize
TAUGHT = 0.85  # share that teaches of the samples that teach or judge, if splits are as usual
JUDGING = 1.1  # what judging adds to teaching
RACE = 12  # one in so many of the epochs is taught before trials are compared
MOST = 8  # trials that a budget is spent on before nothing is left to gain
SPARE = 1.5  # sides of a kept picture for each side of the network's input: enough to zoom in
LEAST = 10  # epochs below which a detector has learnt nothing


def seconds(one: Input) -> float:
    """To teach one picture once, on one core."""
    family = FAMILIES[one.family]
    return float(family.training_cost * one.seconds + SHOWING)


def cores_of(train: TrainConfig) -> int:
    """Cores of the reference machine that the workers of `train` keep busy."""
    return min(HALVES, train.workers)


def race_of(epochs: int) -> int:
    """The epochs after which trials are compared."""
    return max(1, epochs // RACE)


def planned(train: TrainConfig, samples: int, speed: float) -> TrainConfig:
    """`train` with as many epochs, and then as many trials, as `budget_minutes` allow for `samples`
    pictures; at most `train.epochs`, at least one trial for each input.

    Raises BudgetTooSmall, saying what would be enough, if there is no time for LEAST epochs."""
    inputs = inputs_of(train)
    budget = cores_of(train) * (train.budget_minutes * 60 * speed - STARTING)
    least = min(LEAST, train.epochs)
    fitting = [
        epochs
        for epochs in range(least, train.epochs + 1)
        if _cost(inputs, epochs, len(inputs), samples) <= budget
    ]
    if not fitting:
        raise _too_small(train, inputs, least, samples, speed)
    trials = [
        count
        for count in range(len(inputs), max(MOST, len(inputs)) + 1)
        if _cost(inputs, fitting[-1], count, samples) <= budget
    ]
    return train.model_copy(update={"epochs": fitting[-1], "trials": trials[-1]})


def takes(train: TrainConfig, samples: int) -> float:
    """Seconds for the epochs and trials that `train` has."""
    inputs = inputs_of(train)
    return STARTING + _cost(inputs, train.epochs, train.trials or 1, samples) / cores_of(train)


def _cost(inputs: tuple[Input, ...], epochs: int, trials: int, samples: int) -> float:
    """Seconds of one core: a race of `trials`, the dearest of which goes on to the end."""
    each = [seconds(one) * samples * TAUGHT * JUDGING for one in inputs]
    race = race_of(epochs) if trials > 1 else 0
    raced = sum(each) + max(each) * (trials - len(each))
    return race * raced + (epochs - race) * max(each)


def _too_small(
    train: TrainConfig, inputs: tuple[Input, ...], epochs: int, samples: int, speed: float
) -> BudgetTooSmall:
    wanted = _cost(inputs, epochs, len(inputs), samples) / cores_of(train) + STARTING
    minutes = wanted / 60 / speed
    cheapest = min(train.families, key=lambda name: FAMILIES[name].cost)
    return BudgetTooSmall(
        f"{train.budget_minutes:g} minutes are not enough to teach a detector with {samples} "
        f"samples: {epochs} epochs take about {minutes:.1f}.",
        f"Set train.budget_minutes to {minutes * 1.2:.1f} or more, or train.families to "
        f"[{cheapest}] alone, or train.input_sizes to smaller ones.",
    )
