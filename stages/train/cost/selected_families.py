"""Which families take part in a search: decided once, when a run is resolved, by which weights are
at hand and what the minutes allow."""

from collections.abc import Sequence

from stages.config import TrainConfig
from stages.models.available_weights import available_weights
from stages.models.family import SCRATCH
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.settings import Settings
from stages.train import Trainer
from stages.train.cost.compatibility import is_compatible
from stages.train.search.search_space import inputs_of

EACH = 4  # trials for each input below which a further family brings less than more trials


def with_weights(task: str, train: TrainConfig, settings: Settings) -> TrainConfig:
    """`train` with the families that take part: those it names, or all of `task` if it names none,
    as far as their weights are at hand; with what each begins with, and why others are left out.

    Raises ConfigError if none is left, saying how to give weights."""
    named = bool(train.families)
    begun, excluded = dict(train.weights), dict(train.excluded)
    for name in train.families or _open_to(task, train):
        if name in begun:
            continue  # resolved before
        found = available_weights(FAMILIES[name], settings, named)
        if found.weights is not None:
            begun[name] = found.weights
        elif named and train.without_weights == SCRATCH and FAMILIES[name].split_points:
            begun[name] = SCRATCH
        elif named or found.why:
            excluded[name] = f"no weights at hand. {found.why}".strip()
    families = tuple(name for name in train.families or FAMILIES if name in begun)
    if not families:
        raise _no_family(excluded)
    weights = {name: begun[name] for name in families if begun[name]}
    resolved = {"families": families, "weights": weights, "excluded": excluded}
    return train.model_copy(update=resolved)


def affordable(
    trainer: Trainer, train: TrainConfig, samples: int, views: int, speed: float
) -> TrainConfig:
    """`train` as `trainer` pins it, without larger pictures, and then without the dearest families,
    as long as its minutes do not allow EACH trials for every input. Raises BudgetTooSmall if not
    even the cheapest fits."""
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
            enough = EACH * len(inputs_of(candidate))
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


def _open_to(task: str, train: TrainConfig) -> list[str]:
    """The families that take part unasked: all that suit `task` and the sizes, but those whose
    licence a person has to think about."""
    return [
        name
        for name in FAMILIES
        if is_compatible(name, task)
        and not FAMILIES[name].notice
        and _takes(name, train.input_sizes)
    ]


def _takes(name: str, sizes: Sequence[int]) -> bool:
    family = FAMILIES[name]
    return family.takes != "pictures" or not any(size % family.multiple for size in sizes)


def _cost(train: TrainConfig, name: str) -> float:
    """Of one window at all sizes."""
    inputs = [model_input for model_input in inputs_of(train) if model_input.family == name]
    return float(sum(model_input.seconds for model_input in inputs))


def _no_family(excluded: dict[str, str]) -> ConfigError:
    reasons = " ".join(f"{name}: {why}" for name, why in excluded.items())
    return ConfigError(
        f"train.families: there is nothing to begin with. {reasons}",
        "Set AIWF_WEIGHTS to a folder or s3://bucket/prefix with <family>.npz or the publisher's "
        "file, or train.without_weights to scratch, or name a family whose weights are at hand.",
    )
