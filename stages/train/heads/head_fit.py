"""Trains heads with a hidden layer on cached features: those of all folds together, as one stack of
matrices.

An epoch of a head is a few milliseconds of arithmetic, so its time depends on the number of calls
of Paddle: stacked folds need as many calls as one fold."""

from typing import Any

import numpy as np
import paddle
import paddle.nn.functional as F
from numpy.typing import NDArray

from stages.train.heads.fit import (
    DROPOUT,
    Floats,
    load_optimizer_state,
    optimizer_state,
    parameter,
)
from stages.train.heads.logistic_fit import LogisticFit
from stages.train.heads.problem import Problem
from stages.train.heads.standardised import FrozenFit, StandardisedFeatures
from stages.train.search.search_space import HIDDEN_UNITS


def fit_of(
    problem: Problem, standard: StandardisedFeatures, hyperparameters: dict[str, Any]
) -> FrozenFit:
    """A new trial of the head that `hyperparameters` name, on the features `standard`."""
    kind = HiddenFit if hyperparameters["head"] == "hidden" else LogisticFit
    return kind(problem, standard, hyperparameters)


class HiddenFit(FrozenFit):
    """A trial of a head on frozen features: a hidden layer of HIDDEN_UNITS, then a linear one.
    `standard`: the features of the input that the hyperparameters name."""

    def __init__(
        self, problem: Problem, standard: StandardisedFeatures, hyperparameters: dict[str, Any]
    ) -> None:
        super().__init__(problem, standard, hyperparameters)
        self.parameters = self._initial_parameters()
        self.optimizer = paddle.optimizer.AdamW(
            hyperparameters["learning_rate"],
            parameters=self.parameters,
            weight_decay=hyperparameters["weight_decay"],
        )
        self.training_rows = [problem.training_rows(fold) for fold in range(problem.folds)]

    def state(self) -> dict[str, Any]:
        weights, accumulated = self._trained_weights(), optimizer_state(self.optimizer)
        return {**super().state(), "weights": weights, "optimizer": accumulated}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        load_optimizer_state(self.optimizer, self.parameters, state["optimizer"])
        for tensor, value in zip(self.parameters, state["weights"], strict=True):
            tensor.set_value(value)

    def _trained_weights(self) -> list[Floats]:
        return [tensor.numpy().copy() for tensor in self.parameters]

    def _initial_parameters(self) -> list[Any]:
        rng = np.random.default_rng(self.seed)
        folds, classes = self.problem.folds, self.problem.classes
        width = self.standard.rows.shape[1]
        return [
            parameter(rng.normal(0, (2 / width) ** 0.5, (folds, width, HIDDEN_UNITS))),
            parameter(np.zeros((folds, 1, HIDDEN_UNITS))),
            parameter(rng.normal(0, (1 / HIDDEN_UNITS) ** 0.5, (folds, HIDDEN_UNITS, classes))),
            parameter(np.zeros((folds, 1, classes))),
        ]

    def _epoch(self, rng: np.random.Generator) -> float:
        losses = [self._step(rows, rng) for rows in self._batches(self.training_rows, rng)]
        return float(paddle.stack(losses).mean())

    def _step(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        features, labels = self.standard.stacked(rows), self.problem.labels[rows]
        loss = self._augmented_loss(features, labels, rng) if self.problem.changes else None
        if loss is None:
            logits = self._forward(features, rng).reshape([labels.size, -1])
            loss = F.cross_entropy(logits, paddle.to_tensor(labels.ravel()), self.weights)
        # a fold's step does not depend on the number of folds
        (loss * self.problem.folds).backward()
        self.optimizer.step()
        self.optimizer.clear_grad()
        return loss.detach()

    def _augmented_loss(
        self, features: Any, labels: NDArray[np.int64], rng: np.random.Generator
    ) -> Any:
        """The loss of a batch after the dataset's augmentations of batches."""
        changed = self.problem.changed(features.numpy(), self._targets(labels), rng)
        inputs, targets = (paddle.to_tensor(array) for array in changed)
        return self._soft_loss(self._forward(inputs, rng), targets)

    def _forward(self, features: Any, rng: np.random.Generator | None = None) -> Any:
        """[folds, n, features] to logits [folds, n, labels]; with dropout if `rng` is given."""
        hidden = F.relu(paddle.bmm(features, self.parameters[0]) + self.parameters[1])
        if rng is not None:
            mask = rng.random(hidden.shape, dtype=np.float32) >= DROPOUT
            hidden = hidden * paddle.to_tensor(mask.astype(np.float32) / np.float32(1 - DROPOUT))
        return paddle.bmm(hidden, self.parameters[2]) + self.parameters[3]

    def _validation_logits(self) -> Floats:
        with paddle.no_grad():
            logits: Floats = self._forward(self.standard.validation_features).numpy()
        return np.concatenate(
            [logits[fold, : len(rows)] for fold, rows in enumerate(self.validation_rows)]
        )
