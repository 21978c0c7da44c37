"""What the finalists are taught with: maps of all views at their cuts, and the heads they begin
with."""

from collections.abc import Sequence

import numpy as np

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.augment import resolve_augmentations
from stages.models.arrays import unpack_arrays
from stages.settings import Settings
from stages.store import Store
from stages.tracking import Run
from stages.train.distributed.batch_shards import shards_for
from stages.train.finetune.feature_maps import maps_of, views_within
from stages.train.finetune.finetune_problem import Finalist, Question
from stages.train.heads.features import ReportProgress, View
from stages.train.heads.out_of_fold import without
from stages.train.heads.prepared import Prepared, preprocessing_of
from stages.train.heads.windows import Windows
from stages.train.search.search_space import Input, by_name
from stages.train.search.selection import result_of
from stages.train.search.successive_halving import Trial


def question_of(
    prepared: Prepared,
    finalists: list[Trial],
    dataset: Dataset,
    train: TrainConfig,
    store: Store,
    run: Run,
    settings: Settings,
) -> Question:
    inputs, seen = by_name(train), changed(dataset, train)
    chosen = [_finalist(one, inputs[one.input], settings) for one in finalists]
    digests = [prepared.views[row].digest for row in np.flatnonzero(prepared.problem.plain)]
    count = _views(chosen, seen, train, digests, store, settings)
    views = [View(digest, number) for digest in digests for number in range(count + 1)]
    maps: dict[str, Windows] = {}
    for place, one in enumerate(chosen):

        def tell(done: int, place: int = place) -> None:
            run.progress("maps", place * len(views) + done, len(chosen) * len(views))

        maps.update(_maps(one, seen, train, views, store, settings, tell))
    named = {one.one.name: one for one in chosen}
    shards = shards_for(train.workers)
    return Question(prepared.problem, named, maps, count, shards, train.finetune.longest)


def changed(dataset: Dataset, train: TrainConfig) -> Dataset:
    """`dataset` with the views that tails are taught. Whoever wants no augmentation gets none."""
    if not dataset.augmentations:
        return dataset
    further = resolve_augmentations(train.finetune.augmentations)
    return dataset.model_copy(update={"augmentations": (*dataset.augmentations, *further)})


def _finalist(trial: Trial, one: Input, settings: Settings) -> Finalist:
    head = without(unpack_arrays(result_of(trial).arrays))
    published = one.begun.load(settings)
    return Finalist(one, published, head, dict(trial.hyperparameters))


def _views(
    finalists: list[Finalist],
    dataset: Dataset,
    train: TrainConfig,
    digests: Sequence[str],
    store: Store,
    settings: Settings,
) -> int:
    """As many augmented views as can be held in memory; none where nothing is augmented."""
    if not dataset.augmentations:
        return 0
    one_view = 0
    for one in finalists:
        made = _maps(one, dataset, train, [View(digests[0])], store, settings, lambda done: None)
        one_view += sum(windows.nbytes for windows in made.values())
    return views_within(train.finetune.views, len(digests), one_view)


def _maps(
    one: Finalist,
    dataset: Dataset,
    train: TrainConfig,
    views: Sequence[View],
    store: Store,
    settings: Settings,
    tell: ReportProgress,
) -> dict[str, Windows]:
    preprocessing, freezes = (
        preprocessing_of(one.one, dataset, store),
        train.finetune.search_space.freeze,
    )
    return maps_of(
        one.one, freezes, preprocessing, views, store=store, settings=settings, tell=tell
    )
