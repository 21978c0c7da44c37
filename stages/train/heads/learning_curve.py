"""The learning curve of the chosen head: its accuracy with less training data, from which the gain
of more data is estimated.

The head is trained on nested parts of its training data, groups kept whole, with several seeds, and
validated on the same held-out samples each time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stages.resources import Resources
from stages.train.cost.budget import ROW_EPOCH_SECONDS
from stages.train.distributed.cluster import cluster
from stages.train.distributed.executor import Executor, Work
from stages.train.distributed.room import worker_bytes
from stages.train.heads.part import part_of
from stages.train.heads.problem import Problem
from stages.train.search.successive_halving import Hyperparameters
from stages.train.search.trial_search import HEAD_BYTES

SHARES = (0.25, 0.5, 0.75, 1.0)
SECONDS = 12.0  # of counted work on one core for all trainings
LEAST_SEEDS, MOST_SEEDS = 3, 8
SCALED = 3  # times the features: as they are, and while they are standardised
REMEDY = "Free some memory, or set train.growth to false."
FEWEST = 8  # groups of a label, so that a quarter is more than one

Rows = NDArray[np.int64]
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """`right` [shares, seeds, samples]: whether the out-of-fold prediction is right; `labels` and
    `groups` [samples]: of the validation samples; `sizes` [shares, labels]: numbers of training
    samples, in the mean over folds and seeds."""

    shares: tuple[float, ...]
    right: Right
    labels: Rows
    groups: Rows
    sizes: NDArray[np.float64]


def why_not(problem: Problem, groups: Sequence[str]) -> str:
    """Why no curve can be estimated; empty if one can."""
    pairs = set(zip(problem.labels.tolist(), groups, strict=True))
    fewest = min(np.unique([label for label, _ in pairs], return_counts=True)[1])
    if fewest < FEWEST:
        return f"a label has only {fewest} groups of samples to learn from, and {FEWEST} are needed"
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
    """Train `hyperparameters` on parts of `problem`, each for as many steps as the whole takes in
    `epochs`. `groups`: each row's. `report_progress` is called with the numbers of finished and of
    all trainings. Equal arguments give an equal curve."""
    name = hyperparameters["input"]
    small = replace(problem, features={name: problem.features[name]})
    seeds = range(_seeds(len(problem.labels), epochs))
    jobs = [(share, seed) for share in SHARES for seed in seeds]
    feature_bytes = small.features[name].nbytes
    wanted = {"CPU": 1.0, "memory": float(worker_bytes(HEAD_BYTES + SCALED * feature_bytes))}
    shared = (small, list(groups), hyperparameters, epochs, patience)
    with (
        cluster(resources, feature_bytes),
        Executor(ShareWorker, shared, wanted=wanted, workers=len(jobs), remedy=REMEDY) as executor,
    ):
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
    counted = problem.labels[validation_rows] != problem.rejected
    numbers = np.unique(np.array(groups), return_inverse=True)[1]
    rows = validation_rows[counted]
    return Curve(SHARES, right[:, :, counted], problem.labels[rows], numbers[rows], sizes)


def _seeds(rows: int, epochs: int) -> int:
    """How many trainings of each share fit into SECONDS: counted, never timed."""
    each = len(SHARES) * rows * epochs * ROW_EPOCH_SECONDS
    return min(max(int(SECONDS // each), LEAST_SEEDS), MOST_SEEDS)


class ShareWorker:
    """Trains the chosen head on shares of the training samples. `shared`: the problem, the group of
    each row, the head's hyperparameters, the epochs that the whole takes, and the patience."""

    def __init__(self, shared: tuple[Problem, list[str], Hyperparameters, int, int]) -> None:
        import paddle

        from stages.train.heads.head_fit import Standard

        paddle.set_device("cpu")
        self.problem, self.groups, self.hyperparameters, self.epochs, self.patience = shared
        self.standard = Standard(self.problem, self.hyperparameters["input"])

    def work(self, piece: tuple[float, int]) -> Work:
        """Returns what `trained` does, of a share and a seed."""
        yield from ()
        return self.trained(*piece)

    def trained(self, share: float, seed: int) -> tuple[Right, NDArray[np.float64]]:
        """Whether each validation sample is predicted right after training on `share`, and the
        number of training samples of each label, in the mean over folds."""
        from stages.train.heads.head_fit import HeadsFit

        part = part_of(self.problem, self.groups, share, seed)
        fit = HeadsFit(part, self.standard, {**self.hyperparameters, "repeat": seed})
        fit.fit(ceil(self.epochs / share), ceil(self.patience / share))
        assert fit.best is not None  # noqa: S101
        rows = [part.training_rows(fold) for fold in range(part.folds)]
        counts = [
            np.bincount(part.labels[fold_rows[part.plain[fold_rows]]], minlength=part.classes)
            for fold_rows in rows
        ]
        return fit.best.logits.argmax(axis=1) == fit.truth, np.mean(counts, axis=0)
