"""Computes how many epochs students get, and what the chosen network's teaching leaves of the
budget for the search.

Times are computed from numbers of samples and epochs and not measured, so that equal arguments give
equal plans. Seconds are wall-clock seconds of the reference machine."""

import math
from typing import NamedTuple

from stages.config import TrainConfig
from stages.config.distillation import Distil, Distillation, Prune
from stages.models.genotype import parse
from stages.parts import FAMILIES
from stages.runtime.errors import BudgetTooSmall, ConfigError
from stages.train.architecture.counted_limits import planned_shape
from stages.train.cost.architecture_cost import network_seconds
from stages.train.cost.budget import (
    DECODING_SECONDS,
    EXPORT_SECONDS,
    REFERENCE_CORES,
    SCRATCH_STEP_PASSES,
    forward_seconds,
    smallest_input,
)
from stages.train.cost.finetune_budget import (
    STARTUP_SECONDS,
    TRAINING_SHARE,
    UNFROZEN_SHARES,
    seconds_per_sample,
)
from stages.train.search.search_space import Input, inputs_of

MOST_SHARE = 0.5  # of the budget that students may take; the rest finds their teacher
LONGEST, LONGEST_SCRATCH = 20, 60  # epochs, where the config names none
EPOCH_SHARES = (1.0, 0.75, 0.5, 0.35, 0.25, 0.2, 0.15, 0.1)  # of the longest that are offered
RECONSTRUCTION_SECONDS = 10.0  # in which channels are removed from a network of 29 groups
RECONSTRUCTION_WINDOWS = 256  # on which pruning measures what layers read
MOMENTS_PASSES = 2.0  # forward passes that take as long as that measurement
WHOLE, HALF = "none", "half"  # values of the hyperparameter `freeze`


class StudentCost(NamedTuple):
    """What the training of a student costs: `distillation`, its settings; its `model_input` and
    that of the `teacher`; `freeze`, which of its layers are trained; `alone`: whether the same
    network is trained without a teacher, too."""

    distillation: Distillation
    model_input: Input
    teacher: Input
    freeze: str
    alone: bool

    @property
    def longest(self) -> int:
        """The epochs of the config; where it has none, the most that a budget buys."""
        scratch = self.model_input.initialised_family.from_scratch
        return self.distillation.epochs or (LONGEST_SCRATCH if scratch else LONGEST)

    @property
    def forward_seconds(self) -> float:
        """Seconds of one core for a forward pass of one sample through the student, whole."""
        return student_forward_seconds(self.model_input, self.genotype)

    @property
    def genotype(self) -> str:
        """The architecture that the config names, of a searched family; else empty."""
        return getattr(self.distillation, "genotype", "")

    def epoch_seconds(self, samples: int) -> float:
        """Seconds of an epoch on `samples` samples."""
        each = step_seconds(self.model_input, self.genotype)
        return samples * each * UNFROZEN_SHARES[self.freeze] / REFERENCE_CORES

    def answer_seconds(self, samples: int) -> float:
        """Seconds in which the teacher answers all views of `samples` samples."""
        rows = samples * (1 + self.distillation.views)
        return rows * (DECODING_SECONDS + forward_seconds(self.teacher)) / REFERENCE_CORES

    def reconstruction_seconds(self, samples: int) -> float:
        """Seconds in which the channels of a pruned network are chosen on what its layers read; 0
        for other students."""
        if getattr(self.distillation, "by", "") != "reconstruction":
            return 0.0
        passes = min(samples, RECONSTRUCTION_WINDOWS) * MOMENTS_PASSES * self.forward_seconds
        return RECONSTRUCTION_SECONDS + passes / REFERENCE_CORES

    def epochs_alone(self, samples: int, epochs: int, views: int, unlabelled: int = 0) -> int:
        """The epochs of the same network without a teacher that take as long as `epochs` with
        one and the teacher's answers together. `views`: those that the teacher answered of each of
        `samples` labelled and `unlabelled` other samples, which are trained on, too."""
        of_epoch = self.epoch_seconds(samples) * TRAINING_SHARE
        settings = self.distillation.model_copy(update={"views": views})
        answers = self._replace(distillation=settings).answer_seconds(samples + unlabelled)
        return epochs + round(epochs * unlabelled / samples + answers / of_epoch)

    def seconds(self, samples: int, epochs: int, folds: int) -> float:
        """Seconds for students of `epochs` epochs on `samples` samples: one for each of `folds`
        validation folds, with and without a teacher, and one on all samples."""
        answers = (folds + 1) * (EXPORT_SECONDS + self.answer_seconds(samples))
        rows = samples * (1 + self.distillation.views)
        stems = rows * (DECODING_SECONDS + forward_seconds(self.model_input)) / REFERENCE_CORES
        trained = folds * TRAINING_SHARE * epochs * self.epoch_seconds(samples)
        total = STARTUP_SECONDS + answers + stems + trained + epochs * self.epoch_seconds(samples)
        total += (folds + 1) * self.reconstruction_seconds(samples)
        return total + (trained + folds * self.answer_seconds(samples) if self.alone else 0.0)


def student_forward_seconds(model_input: Input, genotype: str = "") -> float:
    """Seconds of one core for a forward pass of one sample. `genotype`: the architecture, if the
    family is searched and the config names one. Raises ConfigError if that is none."""
    if model_input.initialised_family.searched and genotype:
        return network_seconds(parse(genotype), planned_shape(model_input))
    return forward_seconds(model_input)


def step_seconds(model_input: Input, genotype: str = "") -> float:
    """Seconds of one core to train all layers of a student on one sample, once; arguments and
    errors as of `student_forward_seconds`."""
    if model_input.initialised_family.from_scratch:
        return SCRATCH_STEP_PASSES * student_forward_seconds(model_input, genotype)
    return seconds_per_sample(model_input)


def distilled(config: TrainConfig, distil: Distil, teacher: Input) -> StudentCost:
    """The cost of distillation into the family of `distil`, which is resolved."""
    model_input = student_input(config, distil)
    frozen = model_input.initialised_family.frozen
    return StudentCost(distil, model_input, teacher, HALF if frozen else WHOLE, alone=True)


def pruned(prune: Prune, teacher: Input) -> StudentCost:
    """The cost of pruning `teacher` and fine-tuning what is left of it."""
    return StudentCost(prune, teacher, teacher, WHOLE, alone=False)


def student_input(config: TrainConfig, distil: Distil) -> Input:
    """The input of the student: its family at the smallest of its sizes. Raises ConfigError if the
    family is not known yet, and what `smallest_input` raises."""
    if distil.family == "auto":
        raise ConfigError(
            "train.distil is auto: which family is the student is known once the run is planned.",
            "Plan the pipeline, or name a family.",
        )
    return smallest_input(config, distil.family)


def with_student_family(config: TrainConfig) -> TrainConfig:
    """`config` with the student's family among its families, so that its inputs have the
    student's; unchanged without distillation."""
    distil = config.distils
    if not distil or distil.family in config.families:
        return config
    return config.model_copy(update={"families": (*config.families, distil.family)})


def student_seconds(config: TrainConfig, samples: int) -> float:
    """Seconds for all students of `config`, in its epochs, with the most expensive teacher; 0
    without students."""
    return sum(
        cost.seconds(samples, cost.longest, config.validation_folds)
        for cost in student_costs(config)
    )


def with_students_within(config: TrainConfig, samples: int, seconds: float) -> TrainConfig:
    """`config` with the epochs and views of its students filled in: the first of `_offers` that
    takes at most MOST_SHARE of `seconds`. Raises BudgetTooSmall, saying which budget would be
    enough, if none does."""
    least = float("inf")
    for offer in _offers(config):
        needed = student_seconds(offer, samples)
        if needed <= MOST_SHARE * seconds:
            return offer
        least = min(least, needed)
    minutes = config.budget_minutes * least / (MOST_SHARE * seconds)
    names = ["distil"] * bool(config.distils) + ["prune"] * bool(config.prunes)
    keys = " and ".join(f"train.{name}" for name in names)
    raise BudgetTooSmall(
        f"{config.budget_minutes:g} minutes are not enough for a teacher and its student "
        f"({keys}): it takes about {minutes:.1f}.",
        f"Set train.budget_minutes to {math.ceil(minutes * 1.1)} or more, or train.families to "
        f"lighter ones, or fewer `epochs` of {keys}.",
    )


def _offers(config: TrainConfig) -> list[TrainConfig]:
    """`config` with each of EPOCH_SHARES and each number of views, the preferred offer first: that
    with the highest product of epochs and rows for a sample. What takes most of the time is so cut
    first, whether that is the teacher's answers or the student's epochs."""
    most = max((cost.distillation.views for cost in student_costs(config)), default=0)
    pairs = [(share, views) for share in EPOCH_SHARES for views in range(most + 1)]
    pairs.sort(key=lambda pair: (pair[0] * (1 + pair[1]), pair[0]), reverse=True)
    return [_with_epochs(config, share, views) for share, views in pairs]


def _with_epochs(config: TrainConfig, share: float, views: int) -> TrainConfig:
    """`config` with `share` of the longest epochs for students of which it names none, and at most
    `views` views. An epoch takes one view of each sample, so that there are no more views than
    epochs."""
    changes: dict[str, Distillation] = {}
    for cost in student_costs(config):
        name = "distil" if isinstance(cost.distillation, Distil) else "prune"
        epochs = cost.distillation.epochs or max(1, round(cost.longest * share))
        fewer = min(cost.distillation.views, views, epochs)
        changes[name] = cost.distillation.model_copy(update={"epochs": epochs, "views": fewer})
    return config.model_copy(update=changes)


def student_costs(config: TrainConfig) -> list[StudentCost]:
    """The costs of the students of `config`, if its most expensive input is their teacher."""
    teachers = [each for each in inputs_of(config) if not FAMILIES[each.family].from_scratch]
    if not teachers:
        return []
    teacher = max(teachers, key=forward_seconds)
    costs = [distilled(config, config.distils, teacher)] if config.distils else []
    return costs + ([pruned(config.prunes, teacher)] if config.prunes else [])
