"""Trains linear heads on frozen features as logistic regressions, to their optimum.

The loss of a linear head is convex, so L-BFGS finds its one minimum in fewer passes over the
features than AdamW, which has to be stopped early instead (scikit-learn's LogisticRegression)."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.train.heads.fit import Floats
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, log_loss, measures
from stages.train.heads.standardised import FrozenFit, StandardisedFeatures

MAX_ITERATIONS = 100
UNTRAINED = -20.0  # the logit of a label that a fold has no training rows of
TOLERANCE = 5e-4  # of the largest gradient; a smaller one changes the fourth digit of the log loss


class LogisticFit(FrozenFit):
    """A trial of a linear head on `standard`, the features that the hyperparameters name. Its loss
    is the mean cross entropy plus `l2` / 2 times the squared norm of the weights (of two labels, of
    the difference of their weights); it has one epoch, after which more bring nothing."""

    def __init__(
        self, problem: Problem, standard: StandardisedFeatures, hyperparameters: dict[str, Any]
    ) -> None:
        super().__init__(problem, standard, hyperparameters)
        self.features: Floats = standard.rows.numpy()
        shape = (problem.folds, self.features.shape[1], problem.classes)
        self.parameters = [np.zeros(shape, np.float32), np.zeros((shape[0], 1, shape[2]), "f4")]

    def exhausted(self, patience: int) -> bool:
        """Whether the optimum is found: after the first epoch."""
        return bool(self.curve)

    def _measured(self, logits: Floats) -> dict[str, float]:
        """The measures of calibrated `logits`: a strong penalty makes small logits, which says
        nothing against them, as the temperature that ships corrects it."""
        rejected = self.problem.rejected
        temperature = best_temperature(logits, self.truth, rejected)
        return measures(logits / np.float32(temperature), self.truth, rejected)

    def _trained_weights(self) -> list[Floats]:
        return [values.copy() for values in self.parameters]

    def _epoch(self, rng: np.random.Generator) -> float:
        from threadpoolctl import threadpool_limits

        losses = []
        with threadpool_limits(1):  # sums in one order, on any number of cores
            for fold in range(self.problem.folds):
                losses.append(self._solve(fold, rng))
        return float(np.mean(losses))

    def _solve(self, fold: int, rng: np.random.Generator) -> float:
        """Find the weights of `fold`; returns the mean cross entropy of its training rows."""
        features, labels, weights = self._weighted_rows(fold, rng)
        present = np.unique(labels)
        # a label without training rows is never predicted
        self.parameters[0][fold], self.parameters[1][fold] = 0, UNTRAINED
        matrix, offset = np.zeros((features.shape[1], 1)), np.zeros(1)
        if len(present) > 1:  # with groups kept whole, a fold may hold out all but one label
            matrix, offset = optimum(features, labels, weights, self.hyper["l2"])
        self.parameters[0][fold][:, present] = matrix
        self.parameters[1][fold][0, present] = offset
        rows = self.problem.training_rows(fold)
        return log_loss(self._logits(fold, rows), self.problem.labels[rows])

    def _weighted_rows(
        self, fold: int, rng: np.random.Generator
    ) -> tuple[Floats, NDArray[np.int64], NDArray[np.float64]]:
        """The training rows of `fold`: features [n, features], label indices [n], weights [n].

        After augmentations of batches, a row has several labels, each with a share: it comes once
        for each, with the share as a weight. Rows of rare labels are repeated, or weigh more, as
        the balance says."""
        rows = self._shuffled(self.problem.training_rows(fold), rng)
        targets = self._targets(self.problem.labels[rows])
        features = self.features[rows]
        if self.problem.changes:
            mixed = self.problem.changed(features[None], targets[None], rng)
            features, targets = mixed[0][0], mixed[1][0]
        places, labels = np.nonzero(targets)
        weights = targets[places, labels].astype(np.float64)
        if self.weights is not None:
            weights *= self.weights.numpy()[labels]
        return features[places], labels, weights

    def _validation_logits(self) -> Floats:
        parts = [self._logits(fold, rows) for fold, rows in enumerate(self.validation_rows)]
        return np.concatenate(parts)

    def _logits(self, fold: int, rows: NDArray[np.int64]) -> Floats:
        logits: Floats = self.features[rows] @ self.parameters[0][fold] + self.parameters[1][fold]
        return logits


def optimum(
    features: Floats, labels: NDArray[np.int64], weights: NDArray[np.float64], l2: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weights [features, labels] and offsets [labels] of the logistic regression of the rows
    `features` [n, features], which have two `labels` at least, ascending."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    regression = LogisticRegression(
        C=1 / (l2 * weights.sum()), tol=TOLERANCE, max_iter=MAX_ITERATIONS
    )
    with warnings.catch_warnings():
        # MAX_ITERATIONS bound the work; weights near the optimum serve as well
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(features, labels, sample_weight=weights)
    matrix, offset = regression.coef_.T, regression.intercept_
    if matrix.shape[1] == 1:  # two labels: scikit-learn has the difference of their logits
        return np.hstack([-matrix, matrix]) / 2, np.append(-offset, offset) / 2
    return matrix, offset
