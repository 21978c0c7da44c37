"""Teaches heads on cached features: those of all folds at once, as one stack of matrices.

An epoch of a head is some milliseconds of arithmetic, so what counts is the number of calls:
stacked folds cost as many calls as one."""

from typing import Any, NamedTuple

import numpy as np
import paddle
import paddle.nn.functional as F
from numpy.typing import NDArray

from stages.artifacts import canonical, digest_of
from stages.train.problem import Problem
from stages.train.scores import best_temperature, measures

HIDDEN = 64  # units of a hidden layer, in each fold's head
DROPOUT = 0.5
Floats = NDArray[np.float32]


class Best(NamedTuple):
    """The heads of the epoch with the least log loss, and what they say of the rows they have not
    seen."""

    epoch: int
    measures: dict[str, float]
    parameters: list[Floats]
    logits: Floats


class Standard:
    """The features of one input as tensors, centred and scaled to deviation 1; shared by many fits.

    One scale for all features, since a feature that varies little says little. No label is looked
    at."""

    def __init__(self, problem: Problem, input_name: str) -> None:
        features = problem.features[input_name]
        self.mean: Floats = features.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.scale = float(features.std(dtype=np.float64)) or 1.0
        self.rows = paddle.to_tensor((features - self.mean) / np.float32(self.scale))
        judges = [problem.judging(fold) for fold in range(problem.folds)]
        self.judged = self.stacked(_padded(judges))

    def stacked(self, rows: NDArray[np.int64]) -> Any:
        """The features of `rows` [folds, n]: [folds, n, features]."""
        taken = paddle.gather(self.rows, paddle.to_tensor(rows.ravel()))
        return taken.reshape([*rows.shape, -1])


class Fit:
    """One trial being taught; `until` may be called again to go on. Equal hyperparameters, equal
    result. `standard` is that of the input that the hyperparameters name."""

    def __init__(
        self, problem: Problem, standard: Standard, hyperparameters: dict[str, Any]
    ) -> None:
        self.problem = problem
        self.standard = standard
        self.hyper = hyperparameters
        self.seed = int(digest_of(canonical(hyperparameters))[:12], 16)
        self.parameters = self._start()
        self.optimizer = paddle.optimizer.AdamW(
            hyperparameters["learning_rate"],
            parameters=self.parameters,
            weight_decay=hyperparameters["weight_decay"],
        )
        self.taught = [problem.taught(fold) for fold in range(problem.folds)]
        self.judges = [problem.judging(fold) for fold in range(problem.folds)]
        self.truth = np.concatenate([problem.labels[rows] for rows in self.judges])
        balanced = hyperparameters["class_balance"] == "weights"
        self.weights = paddle.to_tensor(label_weights(problem)) if balanced else None
        self.curve: list[dict[str, float]] = []
        self.best: Best | None = None

    def until(self, epochs: int, patience: int) -> None:
        """Teach up to `epochs` in all, or until `patience` epochs have not lowered the log loss."""
        while len(self.curve) < epochs and not self.exhausted(patience):
            loss = self._epoch()
            logits = self._judge()
            found = measures(logits, self.truth)
            self.curve.append({**found, "train_loss": loss})
            if self.best is None or found["log_loss"] < self.best.measures["log_loss"]:
                taken = [one.numpy().copy() for one in self.parameters]
                self.best = Best(len(self.curve), found, taken, logits)

    def exhausted(self, patience: int) -> bool:
        """Whether the last `patience` epochs brought nothing."""
        return self.best is not None and len(self.curve) - self.best.epoch >= patience

    def head(self) -> dict[str, Floats]:
        """One head that answers as the mean of all folds' heads, for features as they come; see
        `joined`."""
        standard = self.standard
        return joined(self._best().parameters, standard.mean, standard.scale, self.temperature())

    def temperature(self) -> float:
        """What logits are divided by so that scores of unseen rows are as sure as they are
        right."""
        return best_temperature(self._best().logits, self.truth)

    def unseen(self) -> tuple[NDArray[np.int64], Floats]:
        """The rows that judged, ascending, and the logits [rows, labels] that the heads that had
        not seen them gave them, at the temperature of the joined head."""
        best = self._best()
        rows = np.concatenate(self.judges)
        order = np.argsort(rows, kind="stable")
        logits: Floats = best.logits[order] / np.float32(self.temperature())
        return rows[order], logits

    def _best(self) -> Best:
        assert self.best is not None, "until() comes first"  # noqa: S101
        return self.best

    def _start(self) -> list[Any]:
        rng = np.random.default_rng(self.seed)
        folds, classes = self.problem.folds, self.problem.classes
        width = self.standard.rows.shape[1]
        if self.hyper["head"] == "linear":
            return [
                _parameter(np.zeros((folds, width, classes))),
                _parameter(np.zeros((folds, 1, classes))),
            ]
        return [
            _parameter(rng.normal(0, (2 / width) ** 0.5, (folds, width, HIDDEN))),
            _parameter(np.zeros((folds, 1, HIDDEN))),
            _parameter(rng.normal(0, (1 / HIDDEN) ** 0.5, (folds, HIDDEN, classes))),
            _parameter(np.zeros((folds, 1, classes))),
        ]

    def _epoch(self) -> float:
        """Show every fold its rows once, in an order of this trial and epoch; return the mean
        loss."""
        rng = np.random.default_rng([self.seed, len(self.curve)])
        orders = [rng.permutation(rows) for rows in self.taught]
        length = min(map(len, orders))
        steps = -(-length // self.hyper["batch_size"])
        size = length // steps  # all alike, so that no rest has to be left out
        order = np.stack([rows[: steps * size] for rows in orders])
        starts = range(0, steps * size, size)
        losses = [self._step(order[:, start : start + size], rng) for start in starts]
        return float(paddle.stack(losses).mean())

    def _step(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        labels = paddle.to_tensor(self.problem.labels[rows].ravel())
        logits = self._forward(self.standard.stacked(rows), rng)
        loss = F.cross_entropy(logits.reshape([labels.shape[0], -1]), labels, self.weights)
        (
            loss * self.problem.folds
        ).backward()  # so that a fold's step does not depend on how many there are
        self.optimizer.step()
        self.optimizer.clear_grad()
        return loss.detach()

    def _forward(self, features: Any, rng: np.random.Generator | None = None) -> Any:
        """[folds, n, features] to logits [folds, n, labels]; with dropout if `rng` is given."""
        first = paddle.bmm(features, self.parameters[0]) + self.parameters[1]
        if len(self.parameters) == 2:
            return first
        hidden = F.relu(first)
        if rng is not None:
            kept = rng.random(hidden.shape, dtype=np.float32) >= DROPOUT
            hidden = hidden * paddle.to_tensor(kept.astype(np.float32) / np.float32(1 - DROPOUT))
        return paddle.bmm(hidden, self.parameters[2]) + self.parameters[3]

    def _judge(self) -> Floats:
        with paddle.no_grad():
            logits: Floats = self._forward(self.standard.judged).numpy()
        return np.concatenate([logits[fold, : len(rows)] for fold, rows in enumerate(self.judges)])


def label_weights(problem: Problem) -> Floats:
    """A weight for each label, such that all labels count alike and the mean over rows is 1."""
    counts = np.bincount(problem.labels, minlength=problem.classes)
    present = np.maximum(counts, 1)
    weights: Floats = (counts.sum() / (np.count_nonzero(counts) * present)).astype(np.float32)
    return weights


def joined(
    parameters: list[Floats], mean: Floats, scale: float, temperature: float
) -> dict[str, Floats]:
    """The heads of all folds (a stack) as one head whose logits are their logits' mean over
    `temperature`.

    Centring by `mean` and dividing by `scale` become part of the first matrix. Exact: linear heads
    are averaged, hidden layers are put side by side. Named as in models/network.py's Head."""
    wide = [one.astype(np.float64) for one in parameters]
    folds = len(wide[0])
    if len(wide) == 2:
        first = wide[0].mean(axis=0) / scale
        start = wide[1].mean(axis=0)[0] - mean @ first
        arrays = {"out.weight": first / temperature, "out.bias": start / temperature}
    else:
        first = np.concatenate(wide[0], axis=1) / scale
        arrays = {
            "hidden.weight": first,
            "hidden.bias": np.concatenate(wide[1], axis=1)[0] - mean @ first,
            "out.weight": np.concatenate(wide[2], axis=0) / folds / temperature,
            "out.bias": wide[3].mean(axis=0)[0] / temperature,
        }
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def _padded(rows: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """`rows` of each fold as one table; shorter ones begin again."""
    return np.stack([np.resize(one, max(map(len, rows))) for one in rows])


def _parameter(values: NDArray[Any]) -> Any:
    made = paddle.create_parameter(values.shape, "float32")
    made.set_value(values.astype(np.float32))
    return made
