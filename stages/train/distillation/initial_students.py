"""The initial weights of students: a family's published ones with a head on its features, a small
network from scratch, or the teacher without some of its channels."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from stages.config import TrainConfig
from stages.config.distillation import Distil, Prune
from stages.models.weights import Array
from stages.runtime.errors import ConfigError
from stages.train.cost.distillation_budget import RECONSTRUCTION_WINDOWS
from stages.train.distillation.fold_heads import linear_head_without_fold, plain_problem
from stages.train.distillation.student_problem import Services, StudentProblem
from stages.train.finetune.finetune_problem import FinetuneCandidate, split_name
from stages.train.heads.features import SampleView
from stages.train.heads.prepared import Prepared, frozen_features

if TYPE_CHECKING:
    from stages.train.distillation.pruning import Pruned

Arrays = dict[str, Array]
Candidates = Callable[[int | None], FinetuneCandidate]  # by the fold that a student does not see


def candidates_of(
    student_problem: StudentProblem,
    prepared: Prepared,
    config: TrainConfig,
    services: Services,
) -> Candidates:
    """The function that gives the student of `student_problem` its initial weights, by the fold on
    which it is validated; None: for training on all samples. Nothing in them knows that fold's
    labels."""
    settings = student_problem.cost.distillation
    if isinstance(settings, Prune):
        return PrunedCandidates(student_problem, settings)
    if student_problem.cost.model_input.initialised_family.from_scratch:
        assert isinstance(settings, Distil)  # noqa: S101
        candidate = _scratch_candidate(student_problem, prepared, config, settings)
        return lambda fold: candidate
    return _published_candidates(student_problem, prepared, config, services)


@dataclass
class PublishedCandidates:
    """The published weights of a family. `head_without`: the head that is trained on its features
    without a fold; `folds`: their number."""

    student_problem: StudentProblem
    published: Arrays
    head_without: Callable[[int], Arrays]
    folds: int
    heads: dict[int, Arrays] = field(default_factory=dict)

    def __call__(self, fold: int | None) -> FinetuneCandidate:
        """As `candidates_of` says; on all samples, with the mean of the folds' heads."""
        folds = range(self.folds) if fold is None else (fold,)
        for each in folds:
            if each not in self.heads:
                self.heads[each] = self.head_without(each)
        heads = [self.heads[each] for each in folds]
        mean = {name: np.mean([head[name] for head in heads], axis=0) for name in heads[0]}
        head = {name: array.astype(np.float32) for name, array in mean.items()}
        return FinetuneCandidate(self.student_problem.cost.model_input, self.published, head, {})


def _published_candidates(
    student_problem: StudentProblem,
    prepared: Prepared,
    config: TrainConfig,
    services: Services,
) -> PublishedCandidates:
    model_input, (store, run, resources) = student_problem.cost.model_input, services
    plain = np.flatnonzero(prepared.problem.plain)
    views = [SampleView(prepared.views[row].digest) for row in plain]
    about = (model_input, student_problem.dataset, views, "the student's features")
    features = frozen_features(*about, store=store, run=run, resources=resources)
    problem = plain_problem(prepared.problem, {model_input.name: features})
    balance = student_problem.teacher.head["class_balance"]

    def head_without(fold: int) -> Arrays:
        return linear_head_without_fold(problem, model_input.name, balance, fold, config)

    published = model_input.initialised_family.load(resources)
    return PublishedCandidates(student_problem, published, head_without, config.validation_folds)


def _scratch_candidate(
    student_problem: StudentProblem, prepared: Prepared, config: TrainConfig, distil: Distil
) -> FinetuneCandidate:
    """A small network from scratch, of one fold, with random weights and a head of zeros."""
    model_input, problem = student_problem.cost.model_input, student_problem.finetune_problem
    family = model_input.initialised_family
    windows = problem.feature_maps[split_name(model_input, student_problem.cost.freeze)]
    samples = np.arange(len(problem.rows)) * (problem.views + 1)
    values = windows.all_of(samples)[0].astype(np.float32)
    shape, classes = values.shape[1:], prepared.problem.classes
    choices = {"genotype": _genotype(distil, shape, classes, config)} if family.searched else {}
    backbone = family.fold_networks(1, shape, hidden=False, **choices)
    backbone.initialise(values, np.random.default_rng(config.seed))
    head = {
        "head.out.weight": np.zeros((backbone.features, classes), np.float32),
        "head.out.bias": np.zeros(classes, np.float32),
    }
    published = {name: tensor.numpy().copy() for name, tensor in backbone.state_dict().items()}
    return FinetuneCandidate(model_input, published, head, {})


def _genotype(distil: Distil, shape: tuple[int, ...], classes: int, config: TrainConfig) -> str:
    """The architecture that `distil` names, or the design by hand for windows of `shape` and so
    many `classes` that keeps the device's counted limits (`moderate_design`). Raises ConfigError if
    the name is none, or no design keeps them."""
    from stages.models.genotype import parse
    from stages.train.architecture.counted_limits import limits_of
    from stages.train.architecture.hand_designs import moderate_design

    if distil.genotype:
        return parse(distil.genotype).text
    design = moderate_design("separable", limits_of(config, shape, classes, folds=1))
    if design is None:
        raise ConfigError(
            f"train.distil: no design of {distil.family} keeps the limits of train.device.",
            "Raise train.device.parameters or macs, or name a smaller `genotype`.",
        )
    return design.text


@dataclass
class PrunedCandidates:
    """The teacher of `student_problem` without the channels that `prune` removes."""

    student_problem: StudentProblem
    prune: Prune
    pruned: dict[int | None, "Pruned"] = field(default_factory=dict)

    def __call__(self, fold: int | None) -> FinetuneCandidate:
        """As `candidates_of` says: channels are chosen anew for each fold."""
        teacher, arrays = self.student_problem.teacher, self.pruned_without(fold).arrays
        backbone = {
            name.removeprefix("backbone."): array
            for name, array in arrays.items()
            if name.startswith("backbone.")
        }
        head = {name: array for name, array in arrays.items() if name.startswith("head.")}
        return FinetuneCandidate(teacher.model_input, backbone, head, {}, narrowed=True)

    def pruned_without(self, fold: int | None) -> "Pruned":
        """The pruned network that has not seen `fold`."""
        from stages.train.distillation.pruning import pruned_arrays

        if fold not in self.pruned:
            teacher = self.student_problem.teacher
            about = (teacher.model_input.initialised_family, teacher.arrays(fold), self.prune)
            self.pruned[fold] = pruned_arrays(*about, self._windows(fold))
        return self.pruned[fold]

    def _windows(self, fold: int | None) -> Array:
        """Windows of the samples that are not in `fold`, spread evenly over them."""
        problem, cost = self.student_problem.finetune_problem, self.student_problem.cost
        folds = problem.heads.fold_of_row[problem.rows]
        samples = np.flatnonzero(folds != fold) if fold is not None else np.arange(len(folds))
        places = np.linspace(0, len(samples) - 1, min(len(samples), RECONSTRUCTION_WINDOWS)).astype(
            int
        )
        of_samples = problem.feature_maps[split_name(cost.model_input, cost.freeze)]
        windows, _ = of_samples.all_of(samples[places] * (problem.views + 1))
        return windows[:RECONSTRUCTION_WINDOWS]
