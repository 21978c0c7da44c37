"""Trains small networks from scratch: those of all folds together, as groups of channels of one
network.

An epoch trains on each sample once, on one random window of one random view: more views take no
more steps. The weights that are validated and ship are a running mean (Polyak and Juditsky 1992),
so no learning-rate schedule of a fixed length is needed."""

from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.models.fold_networks import FoldNetworks
from stages.parts import FAMILIES
from stages.runtime.quiet import quiet
from stages.train.cost.budget import MIN_EPOCH_SAMPLES
from stages.train.distillation.soft_targets import SoftTargets
from stages.train.heads.fit import (
    DROPOUT,
    Fit,
    Floats,
    load_optimizer_state,
    optimizer_state,
    parameter,
)
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows, mean_per_row

MEAN_DECAY = 0.98  # share of the running mean of weights that a step keeps, at most
MEAN_WARM_UP_STEPS = (
    10.0  # after step n a step keeps n / (n + this), so the first weights fade soon
)
CHOICES = ("kernel", "width", "genotype")  # hyperparameters that the layers are built from
VALIDATION_BATCH = 64  # windows


class ScratchFit(Fit):
    """A trial of a small network from scratch, one for each fold."""

    def __init__(self, problem: Problem, hyperparameters: dict[str, Any]) -> None:
        super().__init__(problem, hyperparameters)
        windows = problem.features[hyperparameters["input"]]
        assert isinstance(windows, Windows)  # noqa: S101
        self.windows = windows
        self.backbone, self.head = self._initial_layers()
        self.mean = {name: value.copy() for name, value in self._weights().items()}
        self.steps = 0
        self.parameters = [*self.backbone.parameters(), *self.head]
        self.optimizer = paddle.optimizer.AdamW(
            hyperparameters["learning_rate"],
            parameters=self.parameters,
            weight_decay=hyperparameters["weight_decay"],
        )
        self.training_samples = [
            epoch_samples(problem.origin[problem.training_rows(f)]) for f in range(problem.folds)
        ]
        self.first = np.searchsorted(problem.origin, np.arange(problem.origin[-1] + 2))
        self.soft_targets = self._soft_targets()

    def arrays(self) -> dict[str, Floats]:
        weights, folds = self.best_or_raise().parameters, self.problem.folds
        matrix, offset = weights["head.0"].astype(np.float64), weights["head.1"].astype(np.float64)
        temperature = self.temperature()
        out = {
            "head.out.weight": np.concatenate(matrix) / folds / temperature,
            "head.out.bias": offset.mean(axis=0)[0] / temperature,
        }
        backbone = {name: array for name, array in weights.items() if name.startswith("backbone.")}
        return backbone | {name: array.astype(np.float32) for name, array in out.items()}

    def state(self) -> dict[str, Any]:
        return {
            **super().state(),
            "weights": {name: value.copy() for name, value in self._weights().items()},
            "mean": self._trained_weights(),
            "optimizer": optimizer_state(self.optimizer),
            "steps": self.steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        load_optimizer_state(self.optimizer, self.parameters, state["optimizer"])
        self._load_weights(state["weights"])
        self.mean = {name: value.copy() for name, value in state["mean"].items()}
        self.steps = state["steps"]

    def _labels_of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.problem.labels[self.first[items]]  # items are samples here

    def _trained_weights(self) -> dict[str, Floats]:
        return {name: value.copy() for name, value in self.mean.items()}

    def _initial_layers(self) -> tuple[FoldNetworks, list[Any]]:
        problem, values = self.problem, self.windows.values
        family = FAMILIES[self.hyper["input"].partition("@")[0]]
        backbone = family.fold_networks(
            problem.folds,
            values.shape[1:],
            hidden=self.hyper["head"] == "hidden",
            apart=True,
            **{name: self.hyper[name] for name in CHOICES if name in self.hyper},
        )
        backbone.initialise(values, np.random.default_rng(self.seed))
        shape = (problem.folds, backbone.features, problem.classes)
        return backbone, [parameter(np.zeros(shape)), parameter(np.zeros((shape[0], 1, shape[2])))]

    def _weights(self) -> dict[str, Floats]:
        backbone = {
            f"backbone.{name}": tensor.numpy()
            for name, tensor in self.backbone.state_dict().items()
        }
        return backbone | {
            f"head.{number}": tensor.numpy() for number, tensor in enumerate(self.head)
        }

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def _epoch(self, rng: np.random.Generator) -> float:
        self.backbone.train()
        losses = [self._step(samples, rng) for samples in self._batches(self.training_samples, rng)]
        return float(paddle.stack(losses).mean())

    def _step(self, samples: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Train on a random window of a random view of each of `samples` [folds, n]."""
        first, views = self.first[samples], np.diff(self.first)[samples]
        rows = first + rng.integers(0, views)
        windows = self.windows.random_windows(rows.ravel(), rng)
        inputs = windows.reshape([*rows.shape, *windows.shape[1:]])
        # what batches are changed by mixes labels and the teacher's answers in the same way
        targets = [self._targets(self.problem.labels[rows]), *self._answers(rows)]
        changed = self.problem.changed(inputs, np.concatenate(targets, axis=-1), rng)
        logits = self._forward(_side_by_side(changed[0]), self.head, rng)
        loss = self._loss(logits, *np.split(changed[1], len(targets), axis=-1))
        (
            loss * self.problem.folds
        ).backward()  # a fold's step does not depend on the number of folds
        self.optimizer.step()
        self.optimizer.clear_grad()
        self._update_mean()
        return loss.detach()

    def _soft_targets(self) -> list[SoftTargets]:
        """The teacher's answers for each fold; none if the trial learns from labels alone. Raises
        AssertionError if there is no teacher."""
        if "soft_weight" not in self.hyper:
            return []
        every = self.problem.teacher_logits
        assert every is not None, "a network cannot learn without its teacher"  # noqa: S101
        temperature, weight = self.hyper["soft_temperature"], self.hyper["soft_weight"]
        return [SoftTargets(logits, temperature, weight) for logits in every]

    def _answers(self, rows: NDArray[np.int64]) -> list[Floats]:
        """The teacher's probabilities of `rows` [folds, n], as one array [folds, n, classes]; none
        without a teacher."""
        pairs = zip(self.soft_targets, rows, strict=False)
        answers = [targets.probabilities(fold_rows) for targets, fold_rows in pairs]
        return [np.stack(answers)] if answers else []

    def _loss(self, logits: Any, targets: Floats, answers: Floats | None = None) -> Any:
        """The training loss of `logits`, all [folds, n, classes]."""
        loss = self._soft_loss(logits, paddle.to_tensor(targets))
        if answers is None:
            return loss
        return self.soft_targets[0].loss(logits, paddle.to_tensor(answers), loss)

    def _update_mean(self) -> None:
        self.steps += 1
        decay = np.float32(min(MEAN_DECAY, self.steps / (MEAN_WARM_UP_STEPS + self.steps)))
        for name, value in self._weights().items():
            self.mean[name] += (value - self.mean[name]) * (1 - decay)

    def _forward(self, inputs: Any, head: list[Any], rng: np.random.Generator | None = None) -> Any:
        """Logits [folds, n, labels] of `inputs` [n, folds * channels, height, width]; with dropout
        if `rng` is given."""
        features = self.backbone(inputs).reshape([inputs.shape[0], self.problem.folds, -1])
        features = features.transpose([1, 0, 2])
        if rng is not None:
            mask = rng.random(features.shape, dtype=np.float32) >= DROPOUT
            features = features * paddle.to_tensor(mask.astype(np.float32) / (1 - DROPOUT))
        return paddle.bmm(features, head[0]) + head[1]

    def _validation_logits(self) -> Floats:
        """As in `Fit`, with the running mean of weights; the weights in training are restored."""
        current = self._weights()
        current = {name: value.copy() for name, value in current.items()}
        self._load_weights(self.mean)
        self.backbone.eval()
        windows_of_folds = [self.windows.all_of(rows) for rows in self.validation_rows]
        logits = self._logits([windows for windows, _ in windows_of_folds])
        self._load_weights(current)
        return np.concatenate(
            [
                mean_per_row(fold_logits, row_indices)
                for fold_logits, (_, row_indices) in zip(logits, windows_of_folds, strict=True)
            ]
        )

    def _load_weights(self, state: dict[str, Floats]) -> None:
        for name, tensor in self.backbone.state_dict().items():
            tensor.set_value(state[f"backbone.{name}"])
        for number, tensor in enumerate(self.head):
            tensor.set_value(state[f"head.{number}"])

    def _logits(self, windows: list[Floats]) -> list[Floats]:
        """The logits of each fold's `windows` [n, ...]: for each fold [n, labels]."""
        most = max(map(len, windows))
        even = np.stack(
            [np.resize(fold_windows, (most, *fold_windows.shape[1:])) for fold_windows in windows]
        )
        parts = []
        with paddle.no_grad():
            for begin in range(0, most, VALIDATION_BATCH):
                part = _side_by_side(even[:, begin : begin + VALIDATION_BATCH])
                parts.append(self._forward(part, self.head).numpy())
        every = np.concatenate(parts, axis=1)
        return [every[fold, : len(fold_windows)] for fold, fold_windows in enumerate(windows)]


def _side_by_side(windows: Floats) -> Any:
    """`windows` [folds, n, channels, height, width] as [n, folds * channels, height, width]."""
    count, sides = windows.shape[1], windows.shape[3:]
    return paddle.to_tensor(windows.swapaxes(0, 1).reshape(count, -1, *sides))


def epoch_samples(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """The samples of an epoch: each of `samples` once, or so often that they are at least
    MIN_EPOCH_SAMPLES."""
    each = np.unique(samples)
    return np.tile(each, -(-MIN_EPOCH_SAMPLES // len(each)))
