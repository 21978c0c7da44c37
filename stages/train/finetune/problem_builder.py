"""Builds the problem of fine-tuning: loads the candidates, and computes feature maps of all views
at their split points."""

from collections.abc import Sequence

import numpy as np

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.augment import resolve_augmentations
from stages.models.arrays import unpack_arrays
from stages.resources import Resources
from stages.store import Store
from stages.tracking import Run
from stages.train.distributed.batch_shards import shards_for
from stages.train.finetune.feature_maps import feature_maps_of, views_within
from stages.train.finetune.finetune_problem import FinetuneCandidate, FinetuneProblem
from stages.train.heads.features import ReportProgress, SampleView
from stages.train.heads.out_of_fold import weights_in
from stages.train.heads.prepared import Prepared, preprocessing_of
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input, inputs_by_name
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import Trial


def finetune_problem_of(
    prepared: Prepared,
    trials: list[Trial],
    dataset: Dataset,
    config: TrainConfig,
    store: Store,
    run: Run,
    resources: Resources,
) -> FinetuneProblem:
    """The problem of fine-tuning the inputs of `trials`, the candidates of the first phase.
    Computes feature maps, and reports progress to `run`. Raises what `backbone_file` and
    `Family.load` raise."""
    inputs, augmented = inputs_by_name(config), with_augmentations(dataset, config)
    candidates = [_candidate(trial, inputs[trial.input], resources) for trial in trials]
    digests = [prepared.views[row].digest for row in np.flatnonzero(prepared.problem.plain)]
    count = _views(candidates, augmented, config, digests, store, resources)
    views = [SampleView(digest, number) for digest in digests for number in range(count + 1)]
    feature_maps: dict[str, Windows] = {}
    for index, candidate in enumerate(candidates):

        def report_progress(done: int, index: int = index) -> None:
            run.progress("feature maps", index * len(views) + done, len(candidates) * len(views))

        feature_maps.update(
            _feature_maps_of(candidate, augmented, config, views, store, resources, report_progress)
        )
    by_input = {candidate.input.name: candidate for candidate in candidates}
    return FinetuneProblem(
        heads=prepared.problem,
        candidates=by_input,
        feature_maps=feature_maps,
        views=count,
        shards=shards_for(config.workers),
        epochs=config.finetune.longest,
    )


def with_augmentations(dataset: Dataset, config: TrainConfig) -> Dataset:
    """`dataset` with the augmentations of fine-tuning added (`train.finetune.augmentations`). A
    dataset without augmentations stays as it is."""
    if not dataset.augmentations:
        return dataset
    further = resolve_augmentations(config.finetune.augmentations)
    return dataset.model_copy(update={"augmentations": (*dataset.augmentations, *further)})


def _candidate(trial: Trial, model_input: Input, resources: Resources) -> FinetuneCandidate:
    head = weights_in(unpack_arrays(result_of(trial).arrays))
    published = model_input.initialised_family.load(resources)
    return FinetuneCandidate(
        input=model_input,
        published=published,
        head=head,
        hyperparameters=dict(trial.hyperparameters),
    )


def _views(
    candidates: list[FinetuneCandidate],
    dataset: Dataset,
    config: TrainConfig,
    digests: Sequence[str],
    store: Store,
    resources: Resources,
) -> int:
    """How many augmented views of each sample are used, as memory allows (`views_within`); 0 for a
    dataset without augmentations. Computes the feature maps of one sample to know their size."""
    if not dataset.augmentations:
        return 0
    view_bytes = 0
    for candidate in candidates:
        feature_maps = _feature_maps_of(
            candidate,
            dataset,
            config,
            [SampleView(digests[0])],
            store,
            resources,
            lambda done: None,
        )
        view_bytes += sum(windows.nbytes for windows in feature_maps.values())
    return views_within(config.finetune.views, len(digests), view_bytes)


def _feature_maps_of(
    candidate: FinetuneCandidate,
    dataset: Dataset,
    config: TrainConfig,
    views: Sequence[SampleView],
    store: Store,
    resources: Resources,
    report_progress: ReportProgress,
) -> dict[str, Windows]:
    preprocessing, freezes = (
        preprocessing_of(candidate.input, dataset, store),
        config.finetune.search_space.freeze,
    )
    return feature_maps_of(
        candidate.input,
        freezes,
        preprocessing,
        views,
        store=store,
        resources=resources,
        report_progress=report_progress,
    )
