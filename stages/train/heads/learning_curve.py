"""Measures the learning curve of the best head: how well it does with less training data.
`growth.py` predicts from it what more data would bring.

The head is trained on nested parts of its training data, whole groups at a time, with several
seeds, and always validated on the same held-out samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stages.models.family import LAST
from stages.resources import Resources
from stages.train.cost.budget import ROW_EPOCH_SECONDS
from stages.train.distributed.executor import Work, worker_pool
from stages.train.heads.part import part_of
from stages.train.heads.problem import Problem
from stages.train.search.successive_halving import Hyperparameters
from stages.train.search.trial_search import HEAD_BYTES

SHARES = (0.25, 0.5, 0.75, 1.0)  # of the training data
# seconds of one core of the reference machine that all trainings take, computed and not measured
MAX_SECONDS = 12.0
MIN_SEEDS, MAX_SEEDS = 3, 8  # trainings of each share, within MAX_SECONDS if these allow MIN_SEEDS
FEATURE_COPIES = 3  # a worker's memory over that of the features: two copies while it standardises
REMEDY = "Free some memory, or set train.growth to false."
MIN_GROUPS = 8  # of a label, so that a quarter of them is more than one

Rows = NDArray[np.int64]
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """A learning curve. `shares`: of the training data, ascending; `right` [shares, seeds,
    samples]: whether the out-of-fold prediction of each validation sample is right; `labels` and
    `groups` [samples]: label index and number of the group of each validation sample; `sizes`
    [shares, labels]: numbers of training samples, in the mean over folds and seeds."""

    shares: tuple[float, ...]
    right: Right
    labels: Rows
    groups: Rows
    sizes: NDArray[np.float64]


def why_not(problem: Problem, groups: Sequence[str]) -> str:
    """Why no learning curve can be measured; empty if one can be. `groups`: the name of each row's
    group."""
    pairs = set(zip(problem.labels.tolist(), groups, strict=True))
    fewest = min(np.unique([label for label, _ in pairs], return_counts=True)[1])
    if fewest < MIN_GROUPS:
        return (
            f"a label has only {fewest} groups of samples to learn from, and {MIN_GROUPS} are "
            "needed"
        )
    return ""


def curve_of(
    problem: Problem,
    groups: Sequence[str],
    hyperparameters: Hyperparameters,
    epochs: int,
    patience: int,
    resources: Resources,
    report_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Curve:
    """Train a head with `hyperparameters` on parts of `problem`, each for as many steps as all data
    take in `epochs` epochs, and measure the curve. `groups`: the name of each row's group;
    `patience`: epochs without improvement on all data after which training stops;
    `report_progress(done, total)` is called after each training. Equal arguments give an equal
    curve. Raises InfrastructureError if Ray does not come up or a training fails three times."""
    name = hyperparameters["input"]
    small = replace(problem, features={name: problem.features[name]})
    seeds = range(_seeds(len(problem.labels), epochs))
    jobs = [(share, seed) for share in SHARES for seed in seeds]
    feature_bytes = small.features[name].nbytes
    with worker_pool(
        ShareWorker,
        (small, list(groups), hyperparameters, epochs, patience),
        resources,
        shared_bytes=feature_bytes,
        worker_data=HEAD_BYTES + FEATURE_COPIES * feature_bytes,
        workers=len(jobs),
        remedy=REMEDY,
    ) as executor:
        outcomes = executor.map(jobs, report_progress)
    right = np.stack([outcome for outcome, _ in outcomes]).reshape(len(SHARES), len(seeds), -1)
    sizes = (
        np.stack([outcome for _, outcome in outcomes])
        .reshape(len(SHARES), len(seeds), -1)
        .mean(axis=1)
    )
    validation_rows = np.concatenate(
        [problem.validation_rows(fold) for fold in range(problem.folds)]
    )
    is_labelled = problem.labels[validation_rows] != problem.rejected
    numbers = np.unique(np.array(groups), return_inverse=True)[1]
    rows = validation_rows[is_labelled]
    return Curve(
        shares=SHARES,
        right=right[:, :, is_labelled],
        labels=problem.labels[rows],
        groups=numbers[rows],
        sizes=sizes,
    )


def _seeds(rows: int, epochs: int) -> int:
    """How many trainings of each share fit into MAX_SECONDS, from MIN_SEEDS to MAX_SEEDS. Computed,
    not measured, so that equal problems have equal curves."""
    each = len(SHARES) * rows * epochs * ROW_EPOCH_SECONDS
    return min(max(int(MAX_SECONDS // each), MIN_SEEDS), MAX_SEEDS)


class ShareWorker:
    """Trains the head on shares of the training data: an executor's PieceWorker. `shared`: the
    problem, the group of each row, the head's hyperparameters, and the epochs and the patience of a
    training on all data."""

    def __init__(self, shared: tuple[Problem, list[str], Hyperparameters, int, int]) -> None:
        import paddle

        from stages.train.heads.standardised import StandardisedFeatures

        paddle.set_device("cpu")
        self.problem, self.groups, self.hyperparameters, self.epochs, self.patience = shared
        self.standard = StandardisedFeatures(
            self.problem,
            self.hyperparameters["input"],
            self.hyperparameters.get("feature_maps", LAST),
        )

    def work(self, piece: tuple[float, int]) -> Work:
        """Train on a `piece`, a share and a seed; returns what `trained` returns, without
        reports."""
        yield from ()
        return self.trained(*piece)

    def trained(self, share: float, seed: int) -> tuple[Right, NDArray[np.float64]]:
        """Train on a `share` of the training data that `seed` chooses. Returns whether each
        validation sample is predicted right, [samples], and the number of training samples of each
        label, in the mean over folds, [labels]."""
        from stages.train.heads.head_fit import fit_of

        part = part_of(self.problem, self.groups, share, seed)
        fit = fit_of(part, self.standard, {**self.hyperparameters, "repeat": seed})
        fit.fit(ceil(self.epochs / share), ceil(self.patience / share))
        assert fit.best is not None  # noqa: S101
        rows = [part.training_rows(fold) for fold in range(part.folds)]
        counts = [
            np.bincount(part.labels[fold_rows[part.plain[fold_rows]]], minlength=part.classes)
            for fold_rows in rows
        ]
        return fit.best.logits.argmax(axis=1) == fit.truth, np.mean(counts, axis=0)
