"""Builds what students are trained on: the views of all samples, labelled and unlabelled, their
feature maps for the student, and the teacher's answers to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.manifest import samples_of
from stages.etl.quarantine import TABLE, unlabelled_in
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.cost.distillation_budget import StudentCost
from stages.train.distillation.soft_targets import SoftTargets
from stages.train.distillation.teacher import Teacher, answers_of
from stages.train.distributed.batch_shards import shards_for
from stages.train.finetune.feature_maps import feature_maps_of, views_within
from stages.train.finetune.finetune_problem import FinetuneProblem, split_name
from stages.train.finetune.problem_builder import with_augmentations
from stages.train.heads.features import Preprocessing, SampleView
from stages.train.heads.prepared import Prepared, preprocessing_of
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input

MOST_UNLABELLED = 0.5  # unlabelled samples for each labelled one: each takes as long to train on


class Services(NamedTuple):
    """What the training of students may use beside its data."""

    store: Store
    run: Run
    resources: Resources


@dataclass(frozen=True)
class StudentProblem:
    """What the student of `cost` learns from `teacher`. `views`: one for each row of the student's
    feature maps; `finetune_problem`: without candidates; `unlabelled`: how many of the samples have
    no label."""

    cost: StudentCost
    teacher: Teacher
    dataset: Dataset
    views: tuple[SampleView, ...]
    finetune_problem: FinetuneProblem
    unlabelled: int

    @property
    def window_shape(self) -> tuple[int, ...]:
        """The shape of what the student takes: of a window, if all its layers are trained."""
        split = split_name(self.cost.model_input, self.cost.freeze)
        return tuple(self.finetune_problem.feature_maps[split].values.shape[1:])

    def soft_targets(self, fold: int | None, services: Services) -> SoftTargets:
        """The answers of the teacher without the samples of `fold` (None: as it ships)."""
        about = "the teacher's answers" + ("" if fold is None else f" without fold {fold}")
        total = len(self.views)
        logits = answers_of(
            self.teacher,
            fold,
            preprocessing_of(self.teacher.model_input, self.dataset, services.store),
            self.views,
            store=services.store,
            report_progress=lambda done: services.run.progress(about, min(done, total), total),
        )
        settings = self.cost.distillation
        return SoftTargets(logits, settings.temperature, settings.weight)


def student_problem_of(
    cost: StudentCost,
    teacher: Teacher,
    prepared: Prepared,
    dataset: Dataset,
    config: TrainConfig,
    services: Services,
) -> StudentProblem:
    """What the student of `cost` is trained on. Computes the student's feature maps, and reports
    progress. Raises what `backbone_file` raises."""
    augmented = with_augmentations(dataset, config)
    digests = [prepared.views[row].digest for row in np.flatnonzero(prepared.problem.plain)]
    unlabelled = _unlabelled(dataset, services.store, len(digests))
    preprocessing = preprocessing_of(cost.model_input, augmented, services.store)
    feature_maps_for = partial(
        _feature_maps, cost.model_input, cost.freeze, preprocessing, services
    )
    samples = len(digests) + len(unlabelled)
    [first] = feature_maps_for([SampleView(digests[0])]).values()
    wanted = cost.distillation.views if augmented.augmentations else 0
    count = views_within(wanted, samples, first.nbytes)
    views = [
        SampleView(digest, number)
        for digest in [*digests, *unlabelled]
        for number in range(count + 1)
    ]
    problem = FinetuneProblem(
        heads=replace(prepared.problem, features={}),
        candidates={},
        feature_maps=feature_maps_for(views),
        views=count,
        shards=shards_for(config.workers),
        epochs=cost.longest,
    )
    return StudentProblem(cost, teacher, augmented, tuple(views), problem, len(unlabelled))


def _unlabelled(dataset: Dataset, store: Store, labelled: int) -> Sequence[str]:
    """The digests of the unlabelled samples that are trained on, at most MOST_UNLABELLED for each
    of the `labelled` ones; of more, those with the lowest digests, a draw by content. One whose
    content has a label elsewhere is left out."""
    if TABLE not in dataset.files:
        return []
    of_samples = {sample.digest for sample in samples_of(dataset, store)}
    found = set(unlabelled_in(store.get(dataset.files[TABLE]))) - of_samples
    return sorted(found)[: int(labelled * MOST_UNLABELLED)]


def _feature_maps(
    model_input: Input,
    freeze: str,
    preprocessing: Preprocessing,
    services: Services,
    views: Sequence[SampleView],
) -> Mapping[str, Windows]:
    total = len(views)
    return feature_maps_of(
        model_input,
        [freeze],
        preprocessing,
        views,
        store=services.store,
        resources=services.resources,
        report_progress=lambda done: services.run.progress(
            "the student's feature maps", done, total
        ),
    )
