"""Trains one detector, a step at a time. The gradient of a step is the mean of those of BATCH_PARTS
parts of the batch, its two halves.

One process may compute both halves, or two processes one each: a step adds the same numbers in the
same order, so the result is equal to the last bit."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.artifacts import canonical, digest_of
from stages.models.network import fill as fill_by_name
from stages.runtime import steps as runtime
from stages.train.cost.detection_budget import BATCH_PARTS
from stages.train.detection.detection_problem import DetectionProblem
from stages.train.detection.frozen_stem import FrozenStem
from stages.train.distributed.flat_optimizer import (
    AdamW,
    fill,
    finite_loss,
    flatten,
    gradients,
    value_per_element,
)
from stages.train.distributed.schedule import learning_rate_at, running_mean
from stages.train.evenly import evenly

Floats = NDArray[np.float32]
DetectorState = dict[str, Any]

WARM_UP_SHARE = 0.03  # of all steps: the learning rate rises linearly
CALIBRATION_IMAGES = 32  # training pictures on which the statistics of batch norms are measured
CALIBRATION_BATCH = 8  # of these pictures at a time
MEAN_DECAY = 0.98  # share of the running mean of weights that a step keeps


class DetectorFit:
    """One trial in training. Equal problem and hyperparameters give an equal result, on any number
    of workers.

    `hyperparameters`: input, batch_size, learning_rate, weight_decay, and backbone_rate, a factor
    of the learning rate for the backbone's published weights (0: they stay as published). `state`:
    of another fit of this trial, to resume from."""

    def __init__(
        self,
        problem: DetectionProblem,
        hyperparameters: dict[str, Any],
        state: DetectorState | None = None,
    ) -> None:
        self.problem = problem
        self.hyper = hyperparameters
        self.input = problem.inputs[hyperparameters["input"]]
        self.seed = int(digest_of(canonical(hyperparameters))[:8], 16)
        self.network = self._network()
        self.stem = FrozenStem(self.input.stem)
        self.loss = self.input.family.training_loss(self.input.model_input.size)
        self._select_parameters(float(hyperparameters["backbone_rate"]))
        self.values = flatten(self.parameters)
        self.mean = self.values
        self.done = 0
        self.losses: list[float] = []
        if state:
            self._load_state(state)

    @property
    def steps(self) -> int:
        """The number of steps of an epoch."""
        return self.problem.steps(self.hyper["input"], int(self.hyper["batch_size"]))

    @property
    def epoch(self) -> int:
        """The number of epochs that are done."""
        return self.done // self.steps

    def train_epoch(self) -> None:
        """Train one epoch; this process computes both halves of each batch."""
        for _ in range(self.steps):
            first, *further = [self.half_batch_gradient(part) for part in range(BATCH_PARTS)]
            self.step(sum(further, first))

    def half_batch_gradient(self, part: int) -> Floats:
        """The loss of half `part` (0 or 1) of the next batch and its gradient, [1 + parameters];
        zeros for an empty half."""
        batch = self._batch()[part::BATCH_PARTS]
        if not batch:
            return np.zeros(1 + len(self.values), np.float32)
        size, progress = self.input.model_input.size, self.done / self._all_steps
        scenes = [
            self.problem.scenes.augmented(*index_and_view, size, progress)
            for index_and_view in batch
        ]
        loss = self.loss(
            self._outputs([scene.picture for scene in scenes]), [scene.boxes for scene in scenes]
        )
        loss.backward()
        loss_value = np.array([float(loss)], np.float32)
        gradient = gradients(self.parameters)
        self.network.clear_gradients()
        return np.concatenate([loss_value, gradient])

    def step(self, total: Floats) -> None:
        """Take a step along the mean of the two halves. `total` [1 + parameters]: the sum of what
        `half_batch_gradient` returned for them, added in their order; infinite gradients count as
        0."""
        parts = np.float32(BATCH_PARTS)
        self.losses.append(finite_loss(total[0] / parts))
        gradient = np.nan_to_num(total[1:], posinf=0.0, neginf=0.0) / parts
        self.values = self.optimizer.step(self.values, gradient, self._rate())
        fill(self.parameters, self.values)
        self.done += 1
        self.mean = running_mean(self.mean, self.values, MEAN_DECAY, self.done)

    def state(self) -> DetectorState:
        """All that another fit of this trial needs to resume here: arrays and values for JSON."""
        optimizer = self.optimizer
        arrays = {
            "first": optimizer.first,
            "second": optimizer.second,
            "values": self.values,
            "mean": self.mean,
        }
        return {**arrays, "done": self.done, "losses": list(self.losses)}

    def arrays(self) -> dict[str, Any]:
        """The running mean of the weights, by the names in the network, as in a Model's
        weights.npz, with statistics of batch norms that are measured for it."""
        fill(self.parameters, self.mean)
        self._calibrate()
        arrays = {name: tensor.numpy().copy() for name, tensor in self.network.state_dict().items()}
        fill(self.parameters, self.values)
        return arrays

    def _network(self) -> Any:
        """A new network: its backbone with published weights, the rest with random ones by this
        trial's seed."""
        paddle.seed(self.seed)
        family = self.input.family
        network = family.new(len(self.problem.labels))
        fill_by_name(network.backbone, self.problem.published[family.name])
        network.backbone.eval()
        return network

    def _select_parameters(self, backbone_rate: float) -> None:
        """Set which parameters are trained, and make the optimizer, with the learning-rate factor
        and weight decay of each. `backbone_rate`: the factor of the backbone's parameters."""
        backbone = _trainable(self.network.backbone.tuned()) if backbone_rate else []
        new_parameters = _trainable(
            [*self.network.neck.parameters(), *self.network.head.parameters()]
        )
        self.parameters = [*backbone, *new_parameters]
        trained = {id(parameter) for parameter in self.parameters}
        for parameter in self.network.parameters():
            parameter.stop_gradient = id(parameter) not in trained
        norms = [layer for layer in self._new_layers() if isinstance(layer, nn.BatchNorm2D)]
        for norm in norms:
            norm._momentum = 0.0  # its statistics are those of the last batch alone
        self.statistics = [part for norm in norms for part in (norm._mean, norm._variance)]
        decay = float(self.hyper["weight_decay"])
        self.optimizer = AdamW.new(
            value_per_element(
                self.parameters, [backbone_rate] * len(backbone) + [1.0] * len(new_parameters)
            ),
            value_per_element(
                self.parameters,
                [decay * (len(parameter.shape) > 1) for parameter in self.parameters],
            ),
        )

    def _new_layers(self) -> list[Any]:
        return [*self.network.neck.sublayers(), *self.network.head.sublayers()]

    def _calibrate(self) -> None:
        """Measure the statistics of the trained batch norms: the mean over batches of training
        pictures without augmentation. Those gathered during training belong to earlier weights."""
        if not self.statistics:
            return
        indices = evenly(len(self.problem.scenes.training), CALIBRATION_IMAGES)
        statistics = []
        for start in range(0, len(indices), CALIBRATION_BATCH):
            scenes = [
                self.problem.scenes.plain(int(index), self.input.model_input.size)
                for index in indices[start : start + CALIBRATION_BATCH]
            ]
            with paddle.no_grad():
                self._outputs([scene.picture for scene in scenes])
            statistics.append(flatten(self.statistics))
        fill(self.statistics, np.mean(statistics, axis=0, dtype=np.float32))

    def _outputs(self, pictures: Sequence[NDArray[Any]]) -> Any:
        inputs = [runtime.run(self.input.after_picture, picture) for picture in pictures]
        feature_map = paddle.to_tensor(self.stem(np.stack(inputs)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="When training, we now always track")
            return self.network.unfrozen_layers(feature_map)

    def _batch(self) -> list[tuple[int, int]]:
        """The next batch, as pairs of a scene's index and the number of its view. Each epoch has
        another order, and views that were not trained on before."""
        epoch, step = divmod(self.done, self.steps)
        size, count = int(self.hyper["batch_size"]), len(self.problem.scenes.training)
        order = np.random.default_rng([self.seed, epoch]).permutation(count)
        rows = np.arange(step * size, (step + 1) * size)
        rounds = -(-self.steps * size // count)
        views = 1 + epoch * rounds + rows // count
        return list(zip(order[rows % count].tolist(), views.tolist(), strict=True))

    def _rate(self) -> float:
        """The learning rate of the next step."""
        rate = float(self.hyper["learning_rate"])
        return learning_rate_at(rate, self.done, self._all_steps, WARM_UP_SHARE)

    @property
    def _all_steps(self) -> int:
        """The number of steps of a complete training."""
        return self.steps * self.problem.epochs

    def _load_state(self, state: DetectorState) -> None:
        self.optimizer.resume(state["first"], state["second"], state["done"])
        self.values, self.mean, self.done = state["values"], state["mean"], state["done"]
        self.losses = list(state["losses"])
        fill(self.parameters, self.values)


def _trainable(parameters: Sequence[Any]) -> list[Any]:
    """`parameters` without the statistics of batch norms, which Paddle counts among them."""
    return [parameter for parameter in parameters if not parameter.stop_gradient]
