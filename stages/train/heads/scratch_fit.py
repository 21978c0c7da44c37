"""Trains small networks from scratch: those of all folds at once, as groups of channels of one
network.

An epoch shows each sample once, in one drawn view and one drawn window of it: more views cost no
more steps. The weights that are validated and kept are a running mean (Polyak and Juditsky 1992),
which needs no schedule fixed beforehand."""

from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.models.fold_networks import KERNEL, FoldNetworks
from stages.parts import FAMILIES
from stages.runtime.quiet import quiet
from stages.train.cost.budget import MIN_EPOCH_SAMPLES
from stages.train.heads.fitting import (
    DROPOUT,
    Fit,
    Floats,
    load_optimizer_state,
    optimizer_state,
    parameter,
)
from stages.train.heads.problem import Problem
from stages.train.heads.windows import Windows, means

MEMORY = 0.98  # of the running mean, at each step
WARMING = 10.0  # steps after which the first weights count little in it
VALIDATION_BATCH = 64  # windows at a time


class ScratchFit(Fit):
    """A small network for each fold."""

    def __init__(self, problem: Problem, hyperparameters: dict[str, Any]) -> None:
        super().__init__(problem, hyperparameters)
        windows = problem.features[hyperparameters["input"]]
        assert isinstance(windows, Windows)  # noqa: S101
        self.windows = windows
        self.backbone, self.head = self._start()
        self.mean = {name: value.copy() for name, value in self._state().items()}
        self.steps = 0
        self.parameters = [*self.backbone.parameters(), *self.head]
        self.optimizer = paddle.optimizer.AdamW(
            hyperparameters["learning_rate"],
            parameters=self.parameters,
            weight_decay=hyperparameters["weight_decay"],
        )
        self.training_samples = [
            shown(problem.origin[problem.training_rows(f)]) for f in range(problem.folds)
        ]
        self.first = np.searchsorted(problem.origin, np.arange(problem.origin[-1] + 2))

    def arrays(self) -> dict[str, Floats]:
        weights, folds = self._best().parameters, self.problem.folds
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
            "weights": {name: value.copy() for name, value in self._state().items()},
            "mean": self._trained_weights(),
            "optimizer": optimizer_state(self.optimizer),
            "steps": self.steps,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        load_optimizer_state(self.optimizer, self.parameters, state["optimizer"])
        self._become(state["weights"])
        self.mean = {name: value.copy() for name, value in state["mean"].items()}
        self.steps = state["steps"]

    def _labels_of(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.problem.labels[self.first[items]]  # items are samples here

    def _trained_weights(self) -> dict[str, Floats]:
        return {name: value.copy() for name, value in self.mean.items()}

    def _start(self) -> tuple[FoldNetworks, list[Any]]:
        problem, values = self.problem, self.windows.values
        family = FAMILIES[self.hyper["input"].partition("@")[0]]
        hidden, kernel = self.hyper["head"] == "hidden", self.hyper.get("kernel", KERNEL)
        backbone = family.fold_networks(problem.folds, values.shape[1:], hidden, True, kernel)
        backbone.initialise(values, np.random.default_rng(self.seed))
        shape = (problem.folds, backbone.width, problem.classes)
        return backbone, [parameter(np.zeros(shape)), parameter(np.zeros((shape[0], 1, shape[2])))]

    def _state(self) -> dict[str, Floats]:
        backbone = {
            f"backbone.{name}": tensor.numpy()
            for name, tensor in self.backbone.state_dict().items()
        }
        return backbone | {
            f"head.{place}": tensor.numpy() for place, tensor in enumerate(self.head)
        }

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def _epoch(self, rng: np.random.Generator) -> float:
        self.backbone.train()
        losses = [self._step(samples, rng) for samples in self._orders(self.training_samples, rng)]
        return float(paddle.stack(losses).mean())

    def _step(self, samples: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Train on `samples` [folds, n], each in a drawn view and window."""
        first, views = self.first[samples], np.diff(self.first)[samples]
        rows = first + rng.integers(0, views)
        windows = self.windows.drawn(rows.ravel(), rng)
        inputs = windows.reshape([*rows.shape, *windows.shape[1:]])
        changed = self.problem.changed(inputs, self._targets(self.problem.labels[rows]), rng)
        logits = self._forward(_side_by_side(changed[0]), self.head, rng)
        loss = self._soft_loss(logits, paddle.to_tensor(changed[1]))
        (
            loss * self.problem.folds
        ).backward()  # a fold's step does not depend on the number of folds
        self.optimizer.step()
        self.optimizer.clear_grad()
        self._remember()
        return loss.detach()

    def _remember(self) -> None:
        self.steps += 1
        decay = np.float32(min(MEMORY, self.steps / (WARMING + self.steps)))
        for name, value in self._state().items():
            self.mean[name] += (value - self.mean[name]) * (1 - decay)

    def _forward(self, inputs: Any, head: list[Any], rng: np.random.Generator | None = None) -> Any:
        """[n, folds * channels, height, width] to logits [folds, n, labels]; dropout by `rng` if
        given."""
        features = self.backbone(inputs).reshape([inputs.shape[0], self.problem.folds, -1])
        features = features.transpose([1, 0, 2])
        if rng is not None:
            mask = rng.random(features.shape, dtype=np.float32) >= DROPOUT
            features = features * paddle.to_tensor(mask.astype(np.float32) / (1 - DROPOUT))
        return paddle.bmm(features, head[0]) + head[1]

    def _validation_logits(self) -> Floats:
        """With the averaged weights; the weights in training are restored afterwards."""
        current = self._state()
        current = {name: value.copy() for name, value in current.items()}
        self._become(self.mean)
        self.backbone.eval()
        windows_of_folds = [self.windows.all_of(rows) for rows in self.validation_rows]
        logits = self._logits([windows for windows, _ in windows_of_folds])
        self._become(current)
        return np.concatenate(
            [
                means(fold_logits, places)
                for fold_logits, (_, places) in zip(logits, windows_of_folds, strict=True)
            ]
        )

    def _become(self, state: dict[str, Floats]) -> None:
        for name, place in self.backbone.state_dict().items():
            place.set_value(state[f"backbone.{name}"])
        for number, place in enumerate(self.head):
            place.set_value(state[f"head.{number}"])

    def _logits(self, windows: list[Floats]) -> list[Floats]:
        """For each fold the logits of its `windows`."""
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


def shown(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """The samples of an epoch: each once, or as often as makes it LEAST_SHOWN."""
    each = np.unique(samples)
    return np.tile(each, -(-MIN_EPOCH_SAMPLES // len(each)))
