"""Controls the batch norms of unfrozen layers: they keep their published statistics, or measure
their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.runtime.quiet import quiet
from stages.train.distributed.flat_optimizer import fill, flatten

MOMENTUM = 0.9  # MobileNetV3's own 0.99 averages over weights that are out of date


class BatchNorms:
    """The batch norms of the layers `unfrozen`, whose mode and momentum it sets. `own_statistics`:
    in training, each batch is normalised by its own statistics, and those for prediction are
    measured before each validation; else the published statistics are used throughout."""

    def __init__(self, unfrozen: Any, own_statistics: bool) -> None:
        self.unfrozen, self.own_statistics = unfrozen, own_statistics
        norms = [norm for norm in unfrozen.sublayers() if isinstance(norm, nn.BatchNorm2D)]
        for norm in norms:
            norm._momentum = MOMENTUM
        self.layers = norms
        self.tensors = [part for norm in norms for part in (norm._mean, norm._variance)]
        unfrozen.eval()

    def train(self) -> None:
        """Switch to training; norms with published statistics stay in prediction."""
        if self.own_statistics:
            self.unfrozen.train()

    def use_statistics(self, statistics: NDArray[np.float32] | None) -> None:
        """Switch to prediction with `statistics`, as `measure_statistics` returns them; if None,
        switch to training."""
        if statistics is not None:
            fill(self.tensors, statistics)
            self.unfrozen.eval()
        else:
            self.train()

    @quiet()  # Paddle warns of batch norms in training mode at every step
    def measure_statistics(self, batches: Sequence[Any]) -> NDArray[np.float32]:
        """The means and variances of all norms as one vector, in the mean over `batches` of feature
        maps with the present weights; those that were gathered in training belong to earlier
        weights. Leaves the layers in training mode."""
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
