"""Prepares a search over heads: deals samples into folds, adds negatives, computes features."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset
from stages.config import TrainConfig
from stages.etl.augment import changes_of
from stages.etl.manifest import Sample, samples_of
from stages.parts import FAMILIES
from stages.resources import Resources
from stages.runtime.errors import DataError
from stages.store import Store
from stages.tracking import Run
from stages.train.heads.backbone import BackboneFile, backbone_file
from stages.train.heads.features import Extractor, Preprocessing, ReportProgress, SampleView
from stages.train.heads.fold_groups import fold_groups, in_guessed_groups
from stages.train.heads.input_steps import before_of
from stages.train.heads.problem import Problem, Rows, rows_of
from stages.train.heads.windows import Windows
from stages.train.ood import labels_of, other_of
from stages.train.ood.negatives import kinds_of, negatives
from stages.train.search.search_space import Input, inputs_of, uses_feature_maps, views_of_rows


@dataclass(frozen=True)
class Prepared:
    """What a search over heads needs of a dataset. `views`: the sample view of each row of
    `problem`; `folds`: their number, which may be smaller than `train.folds`; `shapes`: the shape
    of one window of the network's input, by the input's name; `kinds`: the kind of each negative,
    by digest; `in_guessed_groups`: how many samples are held out together with others only as they
    look as if taken together (`fold_groups.py`)."""

    problem: Problem
    views: tuple[SampleView, ...]
    folds: int
    shapes: dict[str, tuple[int, ...]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    in_guessed_groups: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the features, which all workers share."""
        return sum(array.nbytes for array in self.problem.features.values())

    def with_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> "Prepared":
        """A copy with the shapes of further inputs, by their names."""
        return replace(self, shapes={**self.shapes, **shapes})


def prepare(
    dataset: Dataset, config: TrainConfig, *, store: Store, run: Run, resources: Resources
) -> Prepared:
    """Compute the features of all rows for every input, or read them from the cache; reports
    progress to `run`.

    Raises DataError if a split that is needed is empty or has one group alone, and what exporting a
    backbone or the cluster raises."""
    samples = samples_of(dataset, store)
    folds = folds_of(samples, config.folds)
    generated = negatives(dataset, samples, config, store=store, resources=resources)
    rows = rows_of(dataset, samples, generated, views_of_rows(config, dataset.views))
    inputs = inputs_of(config)
    backbones = _backbones(config, store, run, resources)
    features, shapes = {}, {}
    for index, model_input in enumerate(inputs):
        report_progress = _progress_reporter(run, index, len(inputs), len(rows.views))
        preprocessing = preprocessing_of(model_input, dataset, store)
        features[model_input.name] = _features(
            preprocessing, backbones.get(model_input.family), rows, resources, report_progress
        )
        shapes[model_input.name] = preprocessing.windows(rows.views[0]).shape[1:]
    changes = changes_of(dataset, "batch")
    classes, other = len(labels_of(dataset, config)), other_of(dataset, config)
    keys = _fold_groups(rows, features)
    if folds > 1:  # guesses join groups, and no fold may be empty
        folds = limited_folds(folds, [sample.label for sample in rows.samples], keys)
    fold_of_row = rows.fold_of_row(keys, folds, config.seed)
    problem = rows.problem(features, classes, fold_of_row, folds, changes, other)
    return Prepared(
        problem=problem,
        views=rows.views,
        folds=folds,
        shapes=shapes,
        kinds=kinds_of([*samples, *generated]),
        in_guessed_groups=in_guessed_groups(rows.samples, keys),
    )


def _fold_groups(rows: Rows, features: Mapping[str, NDArray[np.float32] | Windows]) -> list[str]:
    """The key of the group of each of the rows' samples, which is held out as a whole; by the
    features of the first frozen backbone, if there is one."""
    for name, values in features.items():
        if not isinstance(values, Windows):
            width = FAMILIES[name.partition("@")[0]].features
            of_samples = values[rows.plain][: len(rows.samples), :width]
            return fold_groups(rows.samples, of_samples)
    return fold_groups(rows.samples, next(iter(features.values())))


def _progress_reporter(run: Run, index: int, inputs: int, rows: int) -> ReportProgress:
    return lambda done: run.progress("features", index * rows + done, inputs * rows)


def preprocessing_of(model_input: Input, dataset: Dataset, store: Store) -> Preprocessing:
    """How samples of `dataset` are preprocessed for the network of `model_input`."""
    return Preprocessing(before_of(model_input, dataset), dataset, store)


def frozen_features(
    model_input: Input,
    dataset: Dataset,
    views: Sequence[SampleView],
    purpose: str,
    *,
    store: Store,
    run: Run,
    resources: Resources,
) -> NDArray[np.float32]:
    """The features of the last map of the frozen backbone of `model_input` for `views` of
    `dataset`, in their order: [views, features]; cached. Reports progress as `purpose`. Raises what
    `backbone_file` and `Extractor.rows` raise."""
    extractor = Extractor(
        backbone_file(model_input.initialised_family, store, resources),
        preprocessing_of(model_input, dataset, store),
        resources,
        lambda done: run.progress(purpose, min(done, len(views)), len(views)),
        on_cluster=resources.on_cluster,
    )
    return extractor.rows(views)


def _features(
    preprocessing: Preprocessing,
    backbone: BackboneFile | None,
    rows: Rows,
    resources: Resources,
    report_progress: ReportProgress,
) -> NDArray[np.float32] | Windows:
    """The frozen backbone's features of the rows; without a backbone, the rows' windows."""
    if backbone:
        on_cluster = resources.on_cluster
        extractor = Extractor(backbone, preprocessing, resources, report_progress, on_cluster)
        return extractor.rows(rows.views)
    with ThreadPoolExecutor(resources.cores) as pool:
        windows = []
        for window in pool.map(preprocessing.windows, rows.views):
            windows.append(window)
            report_progress(len(windows))
    return Windows.of(windows)


def _backbones(
    config: TrainConfig, store: Store, run: Run, resources: Resources
) -> dict[str, BackboneFile]:
    """The exported backbones by family, for families that are not trained from scratch; with the
    features of inner maps if heads may take them."""
    inputs = {
        model_input.family: model_input
        for model_input in inputs_of(config)
        if not model_input.initialised_family.from_scratch
    }

    def export(model_input: Input) -> BackboneFile:
        feature_maps = uses_feature_maps(config, model_input)
        return backbone_file(
            model_input.initialised_family, store, resources, feature_maps=feature_maps
        )

    run.progress("backbones", 0, len(inputs))
    with ThreadPoolExecutor(max(1, min(resources.cores, len(inputs)))) as pool:
        found = dict(zip(inputs, pool.map(export, inputs.values()), strict=True))
    run.progress("backbones", len(inputs), len(inputs))
    return found


def folds_of(samples: list[Sample], wanted: int) -> int:
    """The number of folds: `wanted`, or the number of groups of the label with the fewest groups if
    that is smaller, at least 2; 1 if `wanted` is 1.

    Raises DataError if a split that is needed is empty, or all samples are of one group."""
    splits = Counter(sample.split for sample in samples)
    needed = ("train",) if wanted > 1 else ("train", "validation")
    empty = [split for split in needed if not splits[split]]
    if empty:
        raise DataError(
            f"The dataset has no samples in {' and '.join(empty)}.",
            "Add samples, or change etl.splits.",
        )
    if wanted == 1:
        _check_trained(samples)
        return 1
    used = [sample for sample in samples if sample.split in ("train", "validation")]
    keys = [sample.group or sample.digest for sample in used]
    if len(set(keys)) < 2:
        raise DataError(
            "All samples of train and validation are of one group, so none can be held out.",
            "Add samples of another group, or leave out the column 'group'.",
        )
    return limited_folds(wanted, [sample.label for sample in used], keys)


def limited_folds(wanted: int, labels: Sequence[str], keys: Sequence[str]) -> int:
    """`wanted` folds, or as many as the label with the fewest groups has, at least 2. `keys`: of
    the group of each sample."""
    groups = Counter(label for label, _ in {*zip(labels, keys, strict=True)})
    return max(2, min(wanted, min(groups.values())))


def _check_trained(samples: list[Sample]) -> None:
    """Raise DataError for a label that is only in validation, where validation is not folded."""
    trained = {sample.label for sample in samples if sample.split == "train"}
    missing = sorted({sample.label for sample in samples if sample.split == "validation"} - trained)
    if missing:
        raise DataError(
            f"The train split has no sample of {', '.join(map(repr, missing))}; validation has.",
            "Leave out train.folds, so that validation is trained on, too, or move samples.",
        )
