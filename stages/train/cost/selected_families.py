"""Selects the families of a search, once, when a run is resolved: those whose weights are available
and that the budget allows."""

from collections.abc import Sequence

from stages.config import TrainConfig
from stages.models.available_weights import available_weights
from stages.models.family import SCRATCH
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.tasks import is_compatible
from stages.train import Trainer
from stages.train.search.search_space import inputs_of

MIN_TRIALS_PER_INPUT = 4  # with fewer, more trials help more than a further family


def with_weights(task: str, train: TrainConfig, resources: Resources) -> TrainConfig:
    """`train` with the selected families: those that it names, or all of `task` if it names none,
    as far as their weights are available; with the initial weights of each, and why others are
    excluded.

    Raises ConfigError, saying how to provide weights, if no family is left."""
    named = bool(train.families)
    initial_weights, excluded = dict(train.weights), dict(train.excluded)
    for name in train.families or _default_families(task, train):
        if name in initial_weights:
            continue  # resolved before
        found = available_weights(FAMILIES[name], resources, named)
        if found.weights is not None:
            initial_weights[name] = found.weights
        elif named and train.without_weights == SCRATCH and FAMILIES[name].split_points:
            initial_weights[name] = SCRATCH
        elif named or found.why:
            excluded[name] = f"no weights available. {found.why}".strip()
    families = tuple(name for name in train.families or FAMILIES if name in initial_weights)
    if not families:
        raise _no_family(excluded)
    weights = {name: initial_weights[name] for name in families if initial_weights[name]}
    resolved = {"families": families, "weights": weights, "excluded": excluded}
    return train.model_copy(update=resolved)


def affordable(
    trainer: Trainer, train: TrainConfig, samples: int, views: int, speed: float
) -> TrainConfig:
    """`train` as `trainer` resolves it. As long as the budget does not allow MIN_TRIALS_PER_INPUT
    trials for every input, larger images are dropped first, and then the most expensive families.
    Raises BudgetTooSmall if not even the cheapest family fits."""
    inputs, excluded = inputs_of(train), dict(train.excluded)
    families = [
        name for name in train.families if name in {model_input.family for model_input in inputs}
    ]
    while True:
        candidate = train.model_copy(update={"families": tuple(families), "excluded": excluded})
        larger = len(inputs_of(candidate)) > len(inputs_of(_smaller(candidate)))
        last = len(families) == 1 and not larger
        try:
            resolved = trainer.resolve(candidate, samples, views, speed)
        except BudgetTooSmall:
            if last:
                raise
        else:
            enough = MIN_TRIALS_PER_INPUT * len(inputs_of(candidate))
            if train.trials or last or (resolved.trials or 0) >= enough:
                return resolved
        if larger:
            train = _smaller(train)
            continue
        dearest = max(families, key=lambda name: (_cost(train, name), name))
        families.remove(dearest)
        excluded[dearest] = f"{train.budget_minutes:g} minutes are too few for it, too"


def _smaller(train: TrainConfig) -> TrainConfig:
    return train.model_copy(update={"larger": False})


def _default_families(task: str, train: TrainConfig) -> list[str]:
    """The families that are selected where the config names none: all that are compatible with
    `task` and the sizes, except those whose licence needs a decision, or that have to be named."""
    return [
        name
        for name in FAMILIES
        if is_compatible(name, task)
        and not FAMILIES[name].notice
        and FAMILIES[name].by_default
        and _takes_sizes(name, train.input_sizes)
    ]


def _takes_sizes(name: str, sizes: Sequence[int]) -> bool:
    family = FAMILIES[name]
    return family.takes != "pictures" or not any(size % family.multiple for size in sizes)


def _cost(train: TrainConfig, name: str) -> float:
    """Seconds of a forward pass, summed over the sizes of the family."""
    inputs = [model_input for model_input in inputs_of(train) if model_input.family == name]
    return float(sum(model_input.seconds for model_input in inputs))


def _no_family(excluded: dict[str, str]) -> ConfigError:
    reasons = " ".join(f"{name}: {why}" for name, why in excluded.items())
    return ConfigError(
        f"train.families: no family has initial weights. {reasons}",
        "Set AIWF_WEIGHTS to a folder or s3://bucket/prefix with <family>.npz or the publisher's "
        "file, or train.without_weights to scratch, or name a family whose weights are available.",
    )
