"""Trains one trial, of any kind: the loop over epochs, validation, the best epoch, the temperature.

The networks of all folds are trained at the same time; each trains on the rows that the other folds
hold out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.artifacts import canonical, digest_of
from stages.train.heads.balance import balance_of, label_weights, sample_indices
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures

DROPOUT = 0.5  # share of the features, or of hidden units, that a training step drops
Floats = NDArray[np.float32]


class Best(NamedTuple):
    """The epoch whose weights ship: its number, from 1, its validation `measures`, its weights
    `parameters` (in the form of the kind of fit), and the `logits` of the validation rows."""

    epoch: int
    measures: dict[str, float]
    parameters: Any
    logits: Floats


class Fit(ABC):
    """One trial in training. `fit` may be called again, with more epochs, to continue. Equal
    problem and hyperparameters give an equal result, on any number of cores.

    `curve`: the measures of each epoch so far; `best`: the best epoch so far, None before the
    first."""

    def __init__(self, problem: Problem, hyperparameters: dict[str, Any]) -> None:
        self.problem = problem
        self.hyper = hyperparameters
        self.seed = int(digest_of(canonical(hyperparameters))[:12], 16)
        self.validation_rows = [problem.validation_rows(fold) for fold in range(problem.folds)]
        self.truth = np.concatenate([problem.labels[rows] for rows in self.validation_rows])
        counts = np.bincount(problem.labels, minlength=problem.classes)
        self.balance = balance_of(
            hyperparameters["class_balance"], counts[np.arange(len(counts)) != problem.rejected]
        )
        weights = label_weights(counts, self.balance.weights) if self.balance.weights else None
        self.weights = None if weights is None else paddle.to_tensor(weights)
        self.curve: list[dict[str, float]] = []
        self.best: Best | None = None

    @abstractmethod
    def arrays(self) -> dict[str, Floats]:
        """The weights of the best epoch as one network, whose logits are the mean of all folds'
        over the temperature; by their names in the network that the family's `network` builds. Call
        `fit` first."""

    @abstractmethod
    def _epoch(self, rng: np.random.Generator) -> float:
        """Train one epoch in every fold; return the mean loss."""

    @abstractmethod
    def _validation_logits(self) -> Floats:
        """The logits of the validation rows, fold by fold, [rows, labels]."""

    @abstractmethod
    def _trained_weights(self) -> Any:
        """A copy of the weights that the present epoch would ship."""

    def fit(self, epochs: int, patience: int | None = None) -> None:
        """Train up to `epochs` epochs in all, or until `patience` epochs brought no new best one
        (None: never stop early); validate after each."""
        while len(self.curve) < epochs and not (patience is not None and self.exhausted(patience)):
            loss = self._epoch(np.random.default_rng([self.seed, len(self.curve)]))
            logits = self._validation_logits()
            epoch_measures = self._measured(logits)
            self.curve.append({**epoch_measures, "train_loss": loss})
            if self._is_best(epoch_measures):
                self.best = Best(
                    epoch=len(self.curve),
                    measures=epoch_measures,
                    parameters=self._trained_weights(),
                    logits=logits,
                )

    def _is_best(self, epoch_measures: dict[str, float]) -> bool:
        """Whether the epoch with `epoch_measures` is the best so far: has the lowest log loss."""
        return self.best is None or epoch_measures["log_loss"] < self.best.measures["log_loss"]

    def _measured(self, logits: Floats) -> dict[str, float]:
        return measures(logits, self.truth, self.problem.rejected)

    def state(self) -> dict[str, Any]:
        """All that another fit of an equal problem and equal hyperparameters needs to resume
        here."""
        return {"curve": list(self.curve), "best": self.best}

    def load_state(self, state: dict[str, Any]) -> None:
        """Resume from `state`: later epochs are equal to the last bit to those without a break."""
        self.curve, self.best = list(state["curve"]), state["best"]

    def exhausted(self, patience: int) -> bool:
        """Whether the last `patience` epochs brought no new best one."""
        return self.best is not None and len(self.curve) - self.best.epoch >= patience

    def temperature(self) -> float:
        """The divisor of logits that calibrates the scores of the validation rows best, in the best
        epoch."""
        return best_temperature(self.best_or_raise().logits, self.truth, self.problem.rejected)

    def out_of_fold_logits(self) -> tuple[NDArray[np.int64], Floats]:
        """The validation rows of all folds, ascending, [n], and their logits [n, labels] in the
        best epoch over its temperature; each row's are of the fold that did not train on it."""
        best = self.best_or_raise()
        rows = np.concatenate(self.validation_rows)
        order = np.argsort(rows, kind="stable")
        logits: Floats = best.logits[order] / np.float32(self.temperature())
        return rows[order], logits

    def best_or_raise(self) -> Best:
        """The best epoch so far. Raises AssertionError before the first one."""
        assert self.best is not None, "fit() comes first"  # noqa: S101
        return self.best

    def _batches(
        self, lists: list[NDArray[np.int64]], rng: np.random.Generator
    ) -> list[NDArray[np.int64]]:
        """The batches of an epoch, each [folds, n], all of one size. `lists`: the items of each
        fold, which are shuffled. The items that do not fill the batches evenly, fewer than there
        are batches, are left out, others in each epoch."""
        shuffled = [self._shuffled(rows, rng) for rows in lists]
        length = min(map(len, shuffled))
        steps = -(-length // self.hyper["batch_size"])
        size = length // steps
        order = np.stack([rows[: steps * size] for rows in shuffled])
        return [order[:, start : start + size] for start in range(0, steps * size, size)]

    def _shuffled(self, items: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """`items` in random order; those of rare labels more often if the balance samples."""
        return items[sample_indices(self._labels_of(items), self.balance.sampling, rng)]

    def _labels_of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The labels of items of `_batches`, which are rows in this class."""
        return self.problem.labels[items]

    def _targets(self, labels: NDArray[np.int64]) -> Floats:
        """`labels` [...] as one-hot vectors, [..., classes]."""
        return np.eye(self.problem.classes, dtype=np.float32)[labels]

    def _soft_loss(self, logits: Any, targets: Any) -> Any:
        """The mean cross entropy of `logits` and soft `targets`, both [..., classes], weighted by
        the label weights, as a Paddle scalar."""
        weighed = targets if self.weights is None else targets * self.weights
        log_probabilities = paddle.nn.functional.log_softmax(logits, axis=-1)
        return -(weighed * log_probabilities).sum() / weighed.sum()


def parameter(values: NDArray[Any]) -> Any:
    """A new Paddle parameter, float32, with these `values`."""
    tensor = paddle.create_parameter(values.shape, "float32")
    tensor.set_value(values.astype(np.float32))
    return tensor


def optimizer_state(optimizer: Any) -> list[NDArray[Any]]:
    """What a Paddle optimizer has accumulated (moments and powers of their decay rates), in the
    order of its parameters."""
    return [np.array(value) for value in optimizer.state_dict().values()]


def load_optimizer_state(
    optimizer: Any, parameters: Sequence[Any], state: Sequence[NDArray[Any]]
) -> None:
    """Give a new `optimizer` of `parameters` the `state` of another one; parameters are changed.

    Paddle makes accumulators at the first step, and names them anew in each process: so a step
    without gradients makes them, and their order says which is which."""
    if not state:
        return
    sum((parameter * 0).sum() for parameter in parameters).backward()
    optimizer.step()
    optimizer.clear_grad()
    names = optimizer.state_dict()
    optimizer.set_state_dict(dict(zip(names, map(paddle.to_tensor, state), strict=True)))


def padded(rows: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """`rows` of each fold as one table [folds, n]; shorter ones are repeated from their
    beginning."""
    return np.stack([np.resize(fold_rows, max(map(len, rows))) for fold_rows in rows])
