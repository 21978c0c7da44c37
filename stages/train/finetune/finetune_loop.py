"""The training loop of fine-tuning: trains the unfrozen layers of one backbone with their head.

From top to bottom: epochs (`fit`); the batches of an epoch; a step, with its learning rate and the
running mean of the weights; the loss of a shard and its gradient; validation; the weights that
ship; the state of a trial.

A batch is divided into shards. A step sums the shards' gradients in a fixed order, so that the
result does not depend on how many workers share them."""

from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray

from stages.runtime.quiet import quiet
from stages.train.distillation.soft_targets import SoftTargets
from stages.train.distributed.batch_shards import shard, shards_of, sum_over_shards
from stages.train.distributed.flat_optimizer import fill, finite_loss, gradients
from stages.train.distributed.process_group import ProcessGroup, SingleProcess
from stages.train.distributed.schedule import learning_rate_at, running_mean
from stages.train.evenly import evenly
from stages.train.finetune.finetune_problem import FinetuneProblem, split_name
from stages.train.finetune.mixing import mix_batch
from stages.train.finetune.unfrozen_network import (
    PREDICTION_BATCH,
    TrainedWeights,
    UnfrozenNetwork,
)
from stages.train.heads.fit import Best, Fit, Floats
from stages.train.heads.scores import best_temperature, measures
from stages.train.heads.windows import mean_per_row


class FinetuneFit(Fit):
    """One fine-tuning trial in training, on one worker of `group` (None: this process alone).
    `head`: the arrays that its head is initialised from; `on_all_samples`: train on all samples,
    without validation; `soft_targets`: a teacher's answers, which it is trained to match. With the
    hyperparameter `recalibrate` the batch norms' statistics are measured anew before the first
    epoch, as a pruned network needs; with `sparse`, weights that are zero at first stay zero.

    Every epoch counts as the best one so far, so a trial never stops early and is never exhausted:
    the learning rate follows a schedule of a fixed length, and is lowest in the last epoch."""

    def __init__(
        self,
        finetune_problem: FinetuneProblem,
        hyperparameters: dict[str, Any],
        head: dict[str, Any],
        group: ProcessGroup | None = None,
        on_all_samples: bool = False,
        soft_targets: SoftTargets | None = None,
    ) -> None:
        super().__init__(
            finetune_problem.all_samples_problem
            if on_all_samples
            else finetune_problem.held_out_problem,
            hyperparameters,
        )
        self.finetune_problem, self.group = finetune_problem, group or SingleProcess()
        self.on_all_samples, self.soft_targets = on_all_samples, soft_targets
        self.training_rows = self.problem.training_rows(0)
        candidate, freeze = finetune_problem.candidates[self.hyper["input"]], self.hyper["freeze"]
        self.feature_maps = finetune_problem.feature_maps[split_name(candidate.input, freeze)]
        self.network = UnfrozenNetwork(candidate, freeze, head, self.seed)
        self.optimizer = self.network.optimizer(
            self.hyper["layer_decay"], self.hyper["weight_decay"]
        )
        if self.hyper.get("recalibrate"):
            self.network.norms.recalibrate(self._statistics_batches())
        self.values = self.network.values
        self.trainable = self.network.nonzero() if self.hyper.get("sparse") else None
        self.initial = self.mean = self.values
        self.done = 0

    def fit(self, epochs: int, patience: int | None = None) -> None:
        """Train up to `epochs` epochs in all, and validate after each one unless it is trained on
        all samples. `patience` changes nothing, as every epoch is the best one so far."""
        while len(self.curve) < epochs:
            loss = self._epoch(np.random.default_rng([self.seed, len(self.curve)]))
            logits, epoch_measures = np.zeros((0, 0), np.float32), dict[str, float]()
            if not self.on_all_samples:
                logits = self._validation_logits()
                epoch_measures = self._measured(logits)
            self.curve.append({**epoch_measures, "train_loss": loss})
            self.best = Best(
                epoch=len(self.curve),
                measures=epoch_measures,
                parameters=self._trained_weights(),
                logits=logits,
            )

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def _epoch(self, rng: np.random.Generator) -> float:
        """Take a step on each batch of an epoch; return the mean loss."""
        self.network.norms.train()
        batches = self._batches([self.training_rows], rng)
        return float(np.mean([self._step(rows, rng) for (rows,) in batches]))

    def _step(self, samples: NDArray[np.int64], rng: np.random.Generator) -> float:
        """Take a step on the batch `samples` [n]; return the loss. Every worker spawns the random
        generators of all shards, and computes the gradients of its own shards."""
        shards, generators = self.finetune_problem.shards, rng.spawn(self.finetune_problem.shards)

        def shard_gradient(number: int) -> Floats:
            part = shard(samples, number, shards)
            if not len(part):
                return np.zeros(1 + len(self.values), np.float32)
            return self._gradient(part, generators[number]) * np.float32(len(part) / len(samples))

        summed = sum_over_shards(self.group, shards, shard_gradient)
        gradient = np.nan_to_num(summed[1:], posinf=0.0, neginf=0.0)
        self.values = self.optimizer.step(self.values, gradient, self._rate())  # clips, decays
        if self.trainable is not None:
            self.values = self.values * self.trainable
        fill(self.network.parameters, self.values)
        self.done += 1
        self.mean = running_mean(self.mean, self.values, self.hyper["average"], self.done)
        return finite_loss(summed[0])

    def _rate(self) -> float:
        """The learning rate of the next step."""
        steps = self.steps * self.finetune_problem.epochs
        return learning_rate_at(
            self.hyper["learning_rate"], self.done, steps, self.hyper["warm_up"]
        )

    @property
    def steps(self) -> int:
        """The number of steps of an epoch."""
        return -(-len(self.training_rows) // int(self.hyper["batch_size"]))

    def _gradient(self, samples: NDArray[np.int64], rng: np.random.Generator) -> Floats:
        """The loss of the shard `samples` [n] and its gradient: [1 + parameters]."""
        rows = self._rows_of_random_views(samples, rng)
        targets = self._smoothed_targets(self.problem.labels[samples])
        if self.soft_targets:
            rows, targets = self._with_soft_targets(self.soft_targets, rows, targets, rng)
        feature_maps = self.feature_maps.random_windows(rows, rng)
        for change in self.problem.changes:
            feature_maps, targets = change(feature_maps, targets, rng)
        feature_maps, targets = mix_batch(
            feature_maps, targets, self.hyper["mixing"], self.hyper.get("mixing_share", 1.0), rng
        )
        feature_maps = paddle.to_tensor(np.ascontiguousarray(feature_maps))
        logits = self.network.logits(feature_maps, self.hyper["dropout"], rng)
        loss = self._loss(logits, paddle.to_tensor(targets))
        loss.backward()
        gradient = gradients(self.network.parameters)
        for parameter in self.network.parameters:
            parameter.clear_gradient(set_to_zero=False)
        return np.concatenate([np.array([float(loss)], np.float32), gradient])

    def _rows_of_random_views(
        self, samples: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The row of feature maps of a random view of each of `samples` [n]."""
        views = rng.integers(0, self.finetune_problem.views + 1, len(samples))
        rows: NDArray[np.int64] = samples * (self.finetune_problem.views + 1) + views
        return rows

    def _with_soft_targets(
        self,
        soft_targets: SoftTargets,
        rows: NDArray[np.int64],
        targets: Floats,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], Floats]:
        """`rows` [n] and `targets` [n, labels] with as many random unlabelled rows added as is
        their share, and the teacher's scores beside the targets, [n, 2 * labels]. Unlabelled rows
        have targets of zero, which take no part in the loss of the labels."""
        labelled = len(self.problem.labels)
        views = self.finetune_problem.views + 1
        unlabelled = len(soft_targets.logits) // views - labelled
        if unlabelled:  # of a fraction of a row, as many batches have one more
            count = int(len(rows) * unlabelled / labelled + rng.random())
            drawn = labelled + rng.integers(0, unlabelled, count)
            rows = np.concatenate([rows, self._rows_of_random_views(drawn, rng)])
            targets = np.concatenate([targets, np.zeros((count, targets.shape[1]), np.float32)])
        return rows, np.concatenate([targets, soft_targets.probabilities(rows)], axis=1)

    def _loss(self, logits: Any, targets: Any) -> Any:
        """The loss of `logits` [n, labels]; `targets`: [n, labels], or as `_with_soft_targets`
        returns them."""
        if not self.soft_targets:
            return self._soft_loss(logits, targets)
        labels = self.problem.classes
        hard_loss = self._soft_loss(logits, targets[:, :labels])
        return self.soft_targets.loss(logits, targets[:, labels:], hard_loss)

    def _smoothed_targets(self, labels: NDArray[np.int64]) -> Floats:
        """`labels` [n] as one-hot vectors with label smoothing, [n, classes] (Szegedy et al., arXiv
        1512.00567)."""
        share = np.float32(self.hyper["label_smoothing"])
        targets: Floats = self._targets(labels) * (1 - share) + share / self.problem.classes
        return targets

    def _validation_logits(self) -> Floats:
        """As in `Fit`, with the weights that would ship; each worker predicts its shards of the
        rows, and all of them get all logits."""
        self.network.use_weights(self._trained_weights())
        rows, shards = self.validation_rows[0], self.finetune_problem.shards
        own_logits = {
            number: self.logits(shard(rows, number, shards))
            for number in shards_of(self.group, shards)
        }
        logits = np.empty((len(rows), self.problem.classes), np.float32)
        for parts in self.group.gather(own_logits):
            for number, part in parts.items():
                logits[number::shards] = part
        self.network.use_weights(TrainedWeights(self.values))
        return logits

    def _measured(self, logits: Floats) -> dict[str, float]:
        """The measures of `logits` [rows, labels] over the best temperature, at which the model
        would ship: smoothed labels and mixed samples make a network less confident than it is
        accurate."""
        calibrated_logits = logits / np.float32(
            best_temperature(logits, self.truth, self.problem.rejected)
        )
        return measures(calibrated_logits, self.truth, self.problem.rejected)

    def logits(self, samples: NDArray[np.int64]) -> Floats:
        """The logits of `samples` [n] without augmentation, [n, labels]: means over their
        windows."""
        feature_maps, row_indices = self.feature_maps.all_of(
            samples * (self.finetune_problem.views + 1)
        )
        parts = self.network.predict_logits(feature_maps)
        if not parts:
            return np.zeros((0, self.problem.classes), np.float32)
        return mean_per_row(np.concatenate(parts), row_indices)

    def _trained_weights(self) -> TrainedWeights:
        return self.network.weights(self._interpolated(), self.values, self._statistics_batches)

    def _interpolated(self) -> Floats:
        """The shipped weights interpolate between the initial weights (published backbone, head of
        the first phase) and the fine-tuned ones: Wortsman et al., Robust fine-tuning of zero-shot
        models, arXiv 2109.01903. A backbone without published weights takes the running mean of its
        fine-tuned ones."""
        if self.network.norms.own_statistics:
            return self.mean
        share = np.float32(self.hyper["interpolation"])
        interpolated: Floats = (1 - share) * self.initial + share * self.mean
        return interpolated

    def _statistics_batches(self) -> list[Any]:
        """The feature maps of some training samples, spread over all labels, without augmentation,
        in batches: for the statistics of batch norms."""
        some = self.training_rows[evenly(len(self.training_rows), PREDICTION_BATCH * 8)]
        rows = some * (self.finetune_problem.views + 1)
        parts = [rows[k : k + PREDICTION_BATCH] for k in range(0, len(rows), PREDICTION_BATCH)]
        return [
            paddle.to_tensor(self.feature_maps.all_of(part)[0].astype(np.float32)) for part in parts
        ]

    def arrays(self, temperature: float | None = None) -> dict[str, Floats]:
        """As in `Fit`: the weights of the last epoch by the names of `backbone_and_head`.
        `temperature`: the divisor of the logits; None: the one of this trial's validation."""
        self.network.use_weights(self.best_or_raise().parameters)
        arrays = self.network.arrays(self.temperature() if temperature is None else temperature)
        self.network.use_weights(TrainedWeights(self.values))
        return arrays

    def state(self) -> dict[str, Any]:
        """As in `Fit`; `ResumeState` writes it to files."""
        fit_state = {"values": self.values, "mean": self.mean, "done": self.done}
        moments = {"first": self.optimizer.first, "second": self.optimizer.second}
        return {**super().state(), **fit_state, **moments}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.optimizer.resume(state["first"], state["second"], state["done"])
        self.values, self.mean, self.done = state["values"], state["mean"], state["done"]
        fill(self.network.parameters, self.values)
