"""Batch norms of unfrozen layers: they keep their published statistics, or estimate their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.runtime.quiet import quiet
from stages.train.distributed.flat_optimizer import fill, flatten

MOMENTUM = 0.9  # MobileNetV3's own 0.99 averages over weights that are out of date


class Norms:
    """The batch norms of the layers `unfrozen`. `learn`: each batch is normalised by its own
    statistics in training, and the statistics for prediction are measured afterwards."""

    def __init__(self, unfrozen: Any, learn: bool) -> None:
        self.unfrozen, self.learn = unfrozen, learn
        norms = [norm for norm in unfrozen.sublayers() if isinstance(norm, nn.BatchNorm2D)]
        for norm in norms:
            norm._momentum = MOMENTUM
        self.layers = norms
        self.tensors = [part for norm in norms for part in (norm._mean, norm._variance)]
        unfrozen.eval()

    def train(self) -> None:
        """Normalise batches as in training from now on."""
        if self.learn:
            self.unfrozen.train()

    def use_statistics(self, statistics: NDArray[np.float32] | None) -> None:
        """Predict with `statistics`; with the present ones if None."""
        if statistics is not None:
            fill(self.tensors, statistics)
            self.unfrozen.eval()
        else:
            self.train()

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def measured(self, batches: Sequence[Any]) -> NDArray[np.float32]:
        """The mean of the statistics of `batches`. Those that were gathered during training belong
        to earlier weights."""
        self.unfrozen.train()
        statistics = []
        for norm in self.layers:
            norm._momentum = 0.0  # its statistics are those of the last batch alone
        with paddle.no_grad():
            for batch in batches:
                self.unfrozen(batch)
                statistics.append(flatten(self.tensors))
        for norm in self.layers:
            norm._momentum = MOMENTUM
        mean: NDArray[np.float32] = np.mean(statistics, axis=0, dtype=np.float32)
        return mean
