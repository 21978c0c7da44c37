"""The training loop of all kinds of trials: epochs, validation, the best epoch, the temperature.

The networks of all folds are trained at once; each trains on the rows that the other folds hold
out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.artifacts import canonical, digest_of
from stages.train.heads.balance import balance_of, drawn, label_weights
from stages.train.heads.problem import Problem
from stages.train.heads.scores import best_temperature, measures

DROPOUT = 0.5
Floats = NDArray[np.float32]


class Best(NamedTuple):
    """The epoch that ships: its validation measures, its weights, and the logits of the validation
    rows."""

    epoch: int
    measures: dict[str, float]
    parameters: Any
    logits: Floats


class Fit(ABC):
    """One trial in training; `fit` may be called again to resume. Equal hyperparameters give an
    equal result."""

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
        """The trained weights, as one network whose logits are the mean of all folds' at the
        temperature; named as the family's `network` builds it."""

    @abstractmethod
    def _epoch(self, rng: np.random.Generator) -> float:
        """Train one epoch in every fold; return the mean loss."""

    @abstractmethod
    def _validation_logits(self) -> Floats:
        """The logits of the validation rows, fold by fold, [rows, labels]."""

    @abstractmethod
    def _trained_weights(self) -> Any:
        """A copy of the trained weights."""

    def fit(self, epochs: int, patience: int) -> None:
        """Train up to `epochs` in all, or until the log loss has not improved for `patience`
        epochs."""
        while len(self.curve) < epochs and not self.exhausted(patience):
            loss = self._epoch(np.random.default_rng([self.seed, len(self.curve)]))
            logits = self._validation_logits()
            epoch_measures = self._measured(logits)
            self.curve.append({**epoch_measures, "train_loss": loss})
            if self._is_best(epoch_measures):
                self.best = Best(len(self.curve), epoch_measures, self._trained_weights(), logits)

    def _is_best(self, epoch_measures: dict[str, float]) -> bool:
        """Whether the epoch with `epoch_measures` is what the trial would ship so far."""
        return self.best is None or epoch_measures["log_loss"] < self.best.measures["log_loss"]

    def _measured(self, logits: Floats) -> dict[str, float]:
        return measures(logits, self.truth, self.problem.rejected)

    def state(self) -> dict[str, Any]:
        """All that another fit of equal problem and hyperparameters needs to resume from here."""
        return {"curve": list(self.curve), "best": self.best}

    def load_state(self, state: dict[str, Any]) -> None:
        """Resume from `state`: what follows is the same to the last bit as without a break."""
        self.curve, self.best = list(state["curve"]), state["best"]

    def exhausted(self, patience: int) -> bool:
        """Whether the last `patience` epochs brought no improvement."""
        return self.best is not None and len(self.curve) - self.best.epoch >= patience

    def temperature(self) -> float:
        """The divisor of logits that calibrates the scores of the validation rows."""
        return best_temperature(self._best().logits, self.truth, self.problem.rejected)

    def unseen(self) -> tuple[NDArray[np.int64], Floats]:
        """The validation rows of all folds, ascending, and their out-of-fold logits [rows, labels]
        at the temperature of the whole."""
        best = self._best()
        rows = np.concatenate(self.validation_rows)
        order = np.argsort(rows, kind="stable")
        logits: Floats = best.logits[order] / np.float32(self.temperature())
        return rows[order], logits

    def _best(self) -> Best:
        assert self.best is not None, "fit() comes first"  # noqa: S101
        return self.best

    def _orders(
        self, lists: list[NDArray[np.int64]], rng: np.random.Generator
    ) -> list[NDArray[np.int64]]:
        """The batches of an epoch, each [folds, n] of one size: `lists` has the items of each fold,
        and each is shuffled by itself. Fewer items than there are batches are left out, others in
        each epoch."""
        mixed = [self._mixed_up(rows, rng) for rows in lists]
        length = min(map(len, mixed))
        steps = -(-length // self.hyper["batch_size"])
        size = length // steps
        order = np.stack([rows[: steps * size] for rows in mixed])
        return [order[:, start : start + size] for start in range(0, steps * size, size)]

    def _mixed_up(self, items: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """`items` shuffled; rare labels more often if the balance samples."""
        return items[drawn(self._labels_of(items), self.balance.sampling, rng)]

    def _labels_of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """The labels of the items of `_orders`; here they are rows."""
        return self.problem.labels[items]

    def _targets(self, labels: NDArray[np.int64]) -> Floats:
        """`labels` [...] one-hot, [..., classes]."""
        return np.eye(self.problem.classes, dtype=np.float32)[labels]

    def _soft_loss(self, logits: Any, targets: Any) -> Any:
        """Mean cross entropy of `logits` and soft `targets`, [..., classes], with the label
        weights."""
        weighed = targets if self.weights is None else targets * self.weights
        log_probabilities = paddle.nn.functional.log_softmax(logits, axis=-1)
        return -(weighed * log_probabilities).sum() / weighed.sum()


def parameter(values: NDArray[Any]) -> Any:
    """A Paddle parameter that is initialised with `values`."""
    tensor = paddle.create_parameter(values.shape, "float32")
    tensor.set_value(values.astype(np.float32))
    return tensor


def optimizer_state(optimizer: Any) -> list[NDArray[Any]]:
    """What a Paddle optimizer has accumulated, in the order of its parameters."""
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
    """`rows` of each fold as one table; shorter ones are repeated from their beginning."""
    return np.stack([np.resize(fold_rows, max(map(len, rows))) for fold_rows in rows])
