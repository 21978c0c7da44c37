"""What a trial learns from: features of every row, labels, and who judges whom."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, digest_of
from stages.etl.manifest import Sample
from stages.train.features import View

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """Rows are views of samples. `features`: input's name to [rows, features]; `labels`: [rows].

    `held`: [rows], the fold in which a row's sample is held out to judge (-1: in none);
    `plain`: [rows], whether a row is the picture itself; only such a row judges."""

    features: dict[str, NDArray[np.float32]]
    labels: Indices
    held: Indices
    plain: NDArray[np.bool_]
    classes: int
    folds: int

    @property
    def samples(self) -> int:
        """How many samples judge."""
        return sum(len(self.judging(fold)) for fold in range(self.folds))

    def taught(self, fold: int) -> Indices:
        """The rows that teach in `fold`."""
        return np.flatnonzero(self.held != fold)

    def judging(self, fold: int) -> Indices:
        """The rows that judge in `fold`."""
        return np.flatnonzero((self.held == fold) & self.plain)


@dataclass(frozen=True)
class Rows:
    """Which views are rows, in order, and what is known of each before its features are."""

    views: tuple[View, ...]
    labels: Indices
    held: Indices

    def problem(
        self, features: dict[str, NDArray[np.float32]], classes: int, folds: int
    ) -> Problem:
        plain = np.array([view.number == 0 for view in self.views])
        return Problem(features, self.labels, self.held, plain, classes, folds)


def rows_of(dataset: Dataset, samples: Sequence[Sample], folds: int, seed: int) -> Rows:
    """The rows of the train and validation splits; views beside the picture itself of train's only.

    With one fold the validation split judges what the train split teaches. With more, both are
    dealt into so many folds, and each is judged by what all the others teach."""
    used = [one for one in samples if one.split in ("train", "validation")]
    place = {label: index for index, label in enumerate(dataset.labels)}
    held = _dealt(used, folds, seed) if folds > 1 else _by_split(used)
    views, labels, judge = [], [], []
    for one, fold in zip(used, held, strict=True):
        count = 1 + (dataset.views if one.split == "train" else 0)
        views += [View(one.digest, number) for number in range(count)]
        labels += [place[one.label]] * count
        judge += [fold] * count
    return Rows(tuple(views), np.array(labels, np.int64), np.array(judge, np.int64))


def _by_split(samples: Sequence[Sample]) -> list[int]:
    return [0 if one.split == "validation" else -1 for one in samples]


def _dealt(samples: Sequence[Sample], folds: int, seed: int) -> list[int]:
    """Each sample's fold: groups stay together, each label is spread evenly, all by content."""
    groups: dict[str, list[Sample]] = {}
    for one in samples:
        groups.setdefault(one.group or one.digest, []).append(one)
    counts = [Counter[str]() for _ in range(folds)]
    fold_of: dict[str, int] = {}
    for name in sorted(groups, key=lambda name: digest_of(f"{seed}/{name}".encode())):
        label = groups[name][0].label
        fold = min(range(folds), key=lambda fold: (counts[fold][label], counts[fold].total(), fold))
        counts[fold].update(one.label for one in groups[name])
        fold_of[name] = fold
    return [fold_of[one.group or one.digest] for one in samples]
