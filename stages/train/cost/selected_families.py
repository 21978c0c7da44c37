"""Selects the families of a search when a run is resolved: those whose weights are available, and
that the budget allows."""

from collections.abc import Sequence

from stages.config import TrainConfig
from stages.models.available_weights import available_weights
from stages.models.family import SCRATCH
from stages.parts import FAMILIES, TASKS
from stages.resources import Resources
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.tasks import is_compatible
from stages.train import Trainer
from stages.train.cost.budget import MIN_TRIALS_PER_INPUT
from stages.train.search.search_space import inputs_of


def with_weights(task: str, config: TrainConfig, resources: Resources) -> TrainConfig:
    """`config` with the selected families: those that it names, or all of `task` if it names none,
    as far as their weights are available. Also sets `train.weights`, the digest of each family's
    initial weights, and `train.excluded`, why other families are left out.

    Raises ConfigError, saying how to provide weights, if no family is left."""
    if config.architecture == "search":  # whose family is no choice
        config = config.model_copy(update={"families": tuple(default_families(task, config))})
    named = bool(config.families)
    initial_weights, excluded = dict(config.weights), dict(config.excluded)
    for name in config.families or default_families(task, config):
        if name in initial_weights:
            continue  # resolved before
        found = available_weights(FAMILIES[name], resources, named)
        if found.weights is not None:
            initial_weights[name] = found.weights
        elif named and config.without_weights == SCRATCH and FAMILIES[name].split_points:
            initial_weights[name] = SCRATCH
        elif named or found.why:
            excluded[name] = f"no weights available. {found.why}".strip()
    families = tuple(name for name in config.families or FAMILIES if name in initial_weights)
    if not families:
        raise _no_family(excluded)
    # the student's and the teacher's, too
    further = [config.distils.family, config.distils.teacher] if config.distils else []
    resolved_names = [*families, *further]
    weights = {name: initial_weights[name] for name in resolved_names if initial_weights.get(name)}
    resolved = {"families": families, "weights": weights, "excluded": excluded}
    return config.model_copy(update=resolved)


def affordable(
    trainer: Trainer, config: TrainConfig, samples: int, views: int, speed: float
) -> TrainConfig:
    """`config` as `trainer` resolves it for `samples` samples with `views` augmented copies each.
    While the budget allows fewer than MIN_TRIALS_PER_INPUT trials for every input, the larger image
    sizes are dropped first, and then the families that alone would get the fewest trials, so that
    none starves cheaper ones; they are added to `train.excluded`. If `train.trials` is set,
    families are dropped only if the trainer raises BudgetTooSmall.

    Raises BudgetTooSmall if the budget does not suffice for the cheapest family either."""
    inputs, excluded = inputs_of(config), dict(config.excluded)
    families = [
        name for name in config.families if name in {model_input.family for model_input in inputs}
    ]
    while True:
        candidate = config.model_copy(update={"families": tuple(families), "excluded": excluded})
        has_larger = len(inputs_of(candidate)) > len(inputs_of(_smaller(candidate)))
        is_last = len(families) == 1 and not has_larger
        try:
            resolved = trainer.resolve(candidate, samples, views, speed)
        except BudgetTooSmall:
            if is_last:
                raise
        else:
            enough = MIN_TRIALS_PER_INPUT * len(inputs_of(candidate))
            if config.trials or is_last or (resolved.trials or 0) >= enough:
                return resolved
        if has_larger:
            config = _smaller(config)
            continue
        alone = {
            name: _trials_alone(trainer, candidate, name, samples, views, speed)
            for name in families
        }
        most_expensive = max(
            families, key=lambda name: (-alone[name], _forward_seconds(config, name), name)
        )
        families.remove(most_expensive)
        excluded[most_expensive] = f"{config.budget_minutes:g} minutes are too few for it, too"


def _trials_alone(
    trainer: Trainer, config: TrainConfig, name: str, samples: int, views: int, speed: float
) -> int:
    """How many trials the family `name` would get if it were the only one; 0 if none."""
    alone = config.model_copy(update={"families": (name,)})
    try:
        return trainer.resolve(alone, samples, views, speed).trials or 0
    except (BudgetTooSmall, ConfigError):  # ConfigError: the device excludes all its inputs
        return 0


def _smaller(config: TrainConfig) -> TrainConfig:
    """`config` without the larger of a family's sizes."""
    return config.model_copy(update={"larger": False})


def default_families(
    task: str, config: TrainConfig, sizes: Sequence[int] | None = None
) -> list[str]:
    """The families that are selected where the config names none: all that are compatible with
    `task` and the `sizes` of pictures (None: those of `config`), except those whose licence needs a
    decision, or that have to be named; where the architecture is searched, the searched one."""
    sizes = config.input_sizes if sizes is None else sizes
    if config.architecture == "search":
        return [
            name
            for name in FAMILIES
            if FAMILIES[name].searched
            and FAMILIES[name].takes == TASKS[task].modality
            and takes_sizes(name, sizes)
        ]
    return [
        name
        for name in FAMILIES
        if is_compatible(name, task)
        and not FAMILIES[name].notice
        and FAMILIES[name].by_default
        and takes_sizes(name, sizes)
    ]


def takes_sizes(name: str, sizes: Sequence[int]) -> bool:
    """Whether the family `name` takes pictures of all `sizes` (pixels a side), or no pictures."""
    family = FAMILIES[name]
    return family.takes != "pictures" or not any(size % family.multiple for size in sizes)


def _forward_seconds(config: TrainConfig, name: str) -> float:
    """Seconds of one core for a forward pass, summed over the sizes of the family `name`."""
    inputs = [model_input for model_input in inputs_of(config) if model_input.family == name]
    return float(sum(model_input.seconds for model_input in inputs))


def _no_family(excluded: dict[str, str]) -> ConfigError:
    reasons = " ".join(f"{name}: {why}" for name, why in excluded.items())
    return ConfigError(
        f"train.families: no family has initial weights. {reasons}",
        "Set AIWF_WEIGHTS to a folder or s3://bucket/prefix with <family>.npz or the publisher's "
        "file, or train.without_weights to scratch, or name a family whose weights are available.",
    )
