"""Teaches one detector, a step at a time; each step is the mean of two half batches.

The halves may be taught by one process or by two: a step adds the same numbers in the same order,
so the result is the same to the last bit, on one core or on two."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.artifacts import canonical, digest_of
from stages.models.network import fill as fill_by_name
from stages.parts import FAMILIES
from stages.runtime import steps as runtime
from stages.train.cost.detection_budget import HALVES
from stages.train.detection.detection_problem import Problem
from stages.train.detection.frozen_stem import Front
from stages.train.distributed.flat_optimizer import AdamW, fill, flattened, gradients, spread
from stages.train.distributed.schedule import averaged, rate_at

Floats = NDArray[np.float32]
State = dict[str, Any]

WARM = 0.03  # share of all steps in which the rate rises
CALIBRATED, BATCH = 32, 8  # pictures that give batch norms their statistics, so many at once
AVERAGED = 0.98  # what a step keeps of the mean of weights


class Fit:
    """One trial being taught. Equal problem and hyperparameters, equal result.

    `hyperparameters`: input, batch_size, learning_rate, weight_decay, and backbone_rate, the share
    of the rate for what begins with published weights (0: it stays as published). `state`: of
    another Fit of this trial, to go on from there."""

    def __init__(
        self, problem: Problem, hyperparameters: dict[str, Any], state: State | None = None
    ) -> None:
        self.problem = problem
        self.hyper = hyperparameters
        self.asked = problem.asked[hyperparameters["input"]]
        self.seed = int(digest_of(canonical(hyperparameters))[:8], 16)
        self.network = self._network()
        self.front = Front(self.asked.front)
        family = FAMILIES[self.asked.one.family]
        self.loss = family.training_loss(self.asked.one.size, len(problem.labels))
        self._divide(float(hyperparameters["backbone_rate"]))
        self.values = flattened(self.parameters)
        self.mean = self.values
        self.done = 0
        self.losses: list[float] = []
        if state:
            self._go_on(state)

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return self.problem.steps(int(self.hyper["batch_size"]))

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return self.done // self.steps

    def teach_epoch(self) -> None:
        """Show all scenes, both halves here."""
        for _ in range(self.steps):
            first, *others = [self.half(place) for place in range(HALVES)]
            self.step(sum(others, first))

    def half(self, place: int) -> Floats:
        """What half `place` of the next batch says: the loss, and the gradients of all
        parameters."""
        shown = self._batch()[place::HALVES]
        if not shown:
            return np.zeros(1 + len(self.values), np.float32)
        size = self.asked.one.size
        scenes = [self.problem.scenes.shown(*one, size) for one in shown]
        loss = self.loss(
            self._outputs([one.picture for one in scenes]), [one.boxes for one in scenes]
        )
        loss.backward()
        said = np.array([float(loss)], np.float32)
        slopes = gradients(self.parameters)
        self.network.clear_gradients()
        return np.concatenate([said, slopes])

    def step(self, total: Floats) -> None:
        """Update the weights by the mean of the halves, whose sum in their order is `total`;
        numbers that overflowed count as 0."""
        whole = np.nan_to_num(total, posinf=0.0, neginf=0.0) / np.float32(HALVES)
        self.losses.append(float(whole[0]))
        self.values = self.optimizer.step(self.values, whole[1:], self._rate())
        fill(self.parameters, self.values)
        self.done += 1
        self.mean = averaged(self.mean, self.values, AVERAGED, self.done)

    def state(self) -> State:
        """All that another Fit of this trial needs to go on from here."""
        one = self.optimizer
        made = {"first": one.first, "second": one.second, "values": self.values, "mean": self.mean}
        return {**made, "done": self.done, "losses": list(self.losses)}

    def arrays(self) -> dict[str, Any]:
        """The mean weights by the network's names, as in a Model's weights.npz, and the statistics
        that batch norms have with them."""
        fill(self.parameters, self.mean)
        self._calibrate()
        made = {name: one.numpy().copy() for name, one in self.network.state_dict().items()}
        fill(self.parameters, self.values)
        return made

    def _network(self) -> Any:
        """The network with its published weights, and others by this trial's seed."""
        paddle.seed(self.seed)
        family = FAMILIES[self.asked.one.family]
        network = family.new(len(self.problem.labels))
        fill_by_name(network.backbone, self.problem.published[family.name])
        network.backbone.eval()
        return network

    def _divide(self, backbone_rate: float) -> None:
        """Tell what is taught from what stays, and at which pace and decay."""
        backbone = _learnt(self.network.backbone.tuned()) if backbone_rate else []
        others = _learnt([*self.network.neck.parameters(), *self.network.head.parameters()])
        self.parameters = [*backbone, *others]
        kept = {id(one) for one in self.parameters}
        for one in self.network.parameters():
            one.stop_gradient = id(one) not in kept
        norms = [one for one in self._new_layers() if isinstance(one, nn.BatchNorm2D)]
        for norm in norms:
            norm._momentum = 0.0  # so that a norm keeps its last batch's statistics alone
        self.statistics = [part for one in norms for part in (one._mean, one._variance)]
        decay = float(self.hyper["weight_decay"])
        self.optimizer = AdamW.new(
            spread(self.parameters, [backbone_rate] * len(backbone) + [1.0] * len(others)),
            spread(self.parameters, [decay * (len(one.shape) > 1) for one in self.parameters]),
        )

    def _new_layers(self) -> list[Any]:
        return [*self.network.neck.sublayers(), *self.network.head.sublayers()]

    def _calibrate(self) -> None:
        """Give the batch norms that learn the mean statistics of some taught pictures as they are,
        batch by batch: those of the steps before were of other weights."""
        count = min(CALIBRATED, len(self.problem.scenes.taught)) if self.statistics else 0
        told = []
        for start in range(0, count, BATCH):
            places = range(start, min(start + BATCH, count))
            scenes = [self.problem.scenes.plain(one, self.asked.one.size) for one in places]
            with paddle.no_grad():
                self._outputs([one.picture for one in scenes])
            told.append(flattened(self.statistics))
        if told:
            fill(self.statistics, np.mean(told, axis=0, dtype=np.float32))

    def _outputs(self, pictures: Sequence[NDArray[Any]]) -> Any:
        made = [runtime.run(self.asked.after_picture, picture) for picture in pictures]
        fine = paddle.to_tensor(self.front(np.stack(made)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="When training, we now always track")
            return self.network.unfrozen_layers(fine)

    def _batch(self) -> list[tuple[int, int]]:
        """The scenes of the next step and the view of each: every epoch in another order, and with
        views that were not shown before."""
        epoch, step = divmod(self.done, self.steps)
        size, count = int(self.hyper["batch_size"]), len(self.problem.scenes.taught)
        order = np.random.default_rng([self.seed, epoch]).permutation(count)
        rows = np.arange(step * size, (step + 1) * size)
        rounds = -(-self.steps * size // count)
        views = 1 + epoch * rounds + rows // count
        return list(zip(order[rows % count].tolist(), views.tolist(), strict=True))

    def _rate(self) -> float:
        """Of this step."""
        steps = self.steps * self.problem.epochs
        return rate_at(float(self.hyper["learning_rate"]), self.done, steps, WARM)

    def _go_on(self, state: State) -> None:
        one = self.optimizer
        one.first, one.second, one.steps = state["first"], state["second"], state["done"]
        self.values, self.mean, self.done = state["values"], state["mean"], state["done"]
        self.losses = list(state["losses"])
        fill(self.parameters, self.values)


def _learnt(parameters: Sequence[Any]) -> list[Any]:
    """Without the statistics of batch norms, which Paddle counts among the parameters."""
    return [one for one in parameters if not one.stop_gradient]
