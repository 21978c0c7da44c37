"""Holds the data of a search over heads: features and labels of every row, and the folds for
validation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, digest_of
from stages.etl.manifest import Sample
from stages.metrics.clusters import Clusters, clusters_of
from stages.train.heads.features import SampleView

Indices = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Problem:
    """A row is a view of a sample; the views of one sample are adjacent. `features`: by the input's
    name, the features of the frozen backbone, [rows, features], or the rows' windows (`Windows`)
    for a network from scratch; `labels`: [rows], label indices; `classes`, `folds`: their numbers.

    `fold_of_row`: [rows], the fold in which a row's sample is held out for validation (-1: in
    none); `plain`: [rows], whether a row is the sample itself, before its augmented views; only
    such rows are validated on. `changes`: the dataset's augmentations of batches. `other`: the
    label of negatives, which count in no measure. `groups`: [rows], the number of the group that
    the data names for a row's sample; None: each sample is a group of its own. `teacher_logits`:
    [folds, rows, classes], the answers of the teacher of all networks to all rows, for each fold
    those of one that has not seen the samples held out in it; None: there is no teacher."""

    features: dict[str, Any]
    labels: Indices
    fold_of_row: Indices
    plain: NDArray[np.bool_]
    classes: int
    folds: int
    changes: tuple[Any, ...] = ()
    other: int | None = None
    groups: Indices | None = None
    teacher_logits: Floats | None = None

    def group_names(self, rows: Indices) -> list[str]:
        """The name of the group of each of `rows` [n]; empty if each is alone."""
        return [] if self.groups is None else [str(number) for number in self.groups[rows]]

    def clusters(self, rows: Indices) -> Clusters | None:
        """The groups of `rows` [n], as intervals count them; None if each is alone."""
        return clusters_of(self.group_names(rows))

    @property
    def samples(self) -> int:
        """The number of samples that are validated on, without those of the label `other`."""
        return self.count_labelled(
            np.concatenate([self.validation_rows(fold) for fold in range(self.folds)])
        )

    def count_labelled(self, rows: Indices) -> int:
        """How many of `rows` have a label other than `other`."""
        return int((self.labels[rows] != self.rejected).sum())

    @property
    def rejected(self) -> int:
        """The label index that counts in no measure: `other`, or -1, which no row has."""
        return -1 if self.other is None else self.other

    @property
    def origin(self) -> Indices:
        """The number of each row's sample, [rows], from 0."""
        return np.cumsum(self.plain) - 1

    def changed(
        self, inputs: Floats, targets: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """`inputs` [folds, n, ...] and `targets` [folds, n, classes] after the augmentations of
        batches, each fold by itself."""
        for change in self.changes:
            pairs = [change(*pair, rng) for pair in zip(inputs, targets, strict=True)]
            inputs, targets = (np.stack(part) for part in zip(*pairs, strict=True))
        return inputs, targets

    def training_rows(self, fold: int) -> Indices:
        """The rows that `fold` trains on, ascending: all that it does not hold out, with their
        augmented views."""
        return np.flatnonzero(self.fold_of_row != fold)

    def validation_rows(self, fold: int) -> Indices:
        """The rows that `fold` is validated on, ascending."""
        return np.flatnonzero((self.fold_of_row == fold) & self.plain)


@dataclass(frozen=True)
class Rows:
    """The rows of a problem, in order, before their features are computed. `views`: [rows];
    `labels`: as in `Problem`; `samples`: of train and validation, and then the `negatives`, in the
    order of the rows."""

    views: tuple[SampleView, ...]
    labels: Indices
    samples: tuple[Sample, ...]
    negatives: tuple[Sample, ...]

    @property
    def plain(self) -> NDArray[np.bool_]:
        """As in `Problem`."""
        return np.array([view.number == 0 for view in self.views])

    def problem(
        self,
        features: dict[str, Any],
        classes: int,
        fold_of_row: Indices,
        folds: int,
        changes: Sequence[Any] = (),
        other: int | None = None,
    ) -> Problem:
        """The problem of these rows with their `features`; arguments as in `Problem`."""
        return Problem(
            features=features,
            labels=self.labels,
            fold_of_row=fold_of_row,
            plain=self.plain,
            classes=classes,
            folds=folds,
            changes=tuple(changes),
            other=other,
            groups=self.groups,
        )

    @property
    def groups(self) -> Indices | None:
        """As in `Problem`."""
        samples = [*self.samples, *self.negatives]
        keys = [sample.group or sample.digest for sample in samples]
        numbers = np.unique(np.array(keys), return_inverse=True)[1].astype(np.int64)
        found: Indices = numbers[np.cumsum(self.plain) - 1]
        return found if any(sample.group for sample in samples) else None

    def fold_of_row(self, keys: Sequence[str], folds: int, seed: int) -> Indices:
        """The fold in which each row is held out, [rows]. `keys`: of the group of each of
        `samples`. The negatives do not change the folds of the others.

        With one fold, the model trains on the train split and is validated on the validation split.
        With more, the samples of both are dealt into so many folds, and each fold is held out
        once."""
        if folds == 1:
            fold_of_samples = _by_split([*self.samples, *self.negatives])
        else:
            own = [negative.group or negative.digest for negative in self.negatives]
            fold_of_samples = _dealt(self.samples, keys, folds, seed)
            fold_of_samples += _dealt(self.negatives, own, folds, seed)
        fold_of_row: Indices = np.array(fold_of_samples, np.int64)[np.cumsum(self.plain) - 1]
        return fold_of_row


def rows_of(
    dataset: Dataset, samples: Sequence[Sample], negatives: Sequence[Sample] = (), views: int = 0
) -> Rows:
    """The rows of the train and validation splits, and then of the `negatives`; only samples of
    train have augmented views, so many as `views`."""
    used = [sample for sample in samples if sample.split in ("train", "validation")]
    index_of_label = {label: index for index, label in enumerate(dataset.labels)}
    sample_views, labels = [], []
    for sample in [*used, *negatives]:
        count = 1 + (views if sample.split == "train" else 0)
        sample_views += [SampleView(sample.digest, number) for number in range(count)]
        labels += [index_of_label.get(sample.label, len(index_of_label))] * count
    return Rows(
        views=tuple(sample_views),
        labels=np.array(labels, np.int64),
        samples=tuple(used),
        negatives=tuple(negatives),
    )


def _by_split(samples: Sequence[Sample]) -> list[int]:
    return [0 if sample.split == "validation" else -1 for sample in samples]


def _dealt(samples: Sequence[Sample], keys: Sequence[str], folds: int, seed: int) -> list[int]:
    """Each sample's fold. Groups, by their `keys`, stay together, labels are spread evenly. It
    depends on the keys and on `seed`, not on the order of samples."""
    groups: dict[str, list[Sample]] = {}
    for sample, key in zip(samples, keys, strict=True):
        groups.setdefault(key, []).append(sample)
    counts = [Counter[str]() for _ in range(folds)]
    fold_of: dict[str, int] = {}
    for name in sorted(groups, key=lambda name: digest_of(f"{seed}/{name}".encode())):
        label = groups[name][0].label
        fold = min(range(folds), key=lambda fold: (counts[fold][label], counts[fold].total(), fold))
        counts[fold].update(sample.label for sample in groups[name])
        fold_of[name] = fold
    return [fold_of[key] for key in keys]
