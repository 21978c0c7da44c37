"""The batch norms of a tail: they keep published statistics, or learn their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn

from stages.runtime.quiet import quiet
from stages.train.distributed.flat_optimizer import fill, flattened

MOMENTUM = 0.9  # MobileNetV3's own 0.99 remembers weights that are long gone


class Norms:
    """Those of `tail`. `learn`: each batch is normalised by itself, and the statistics to predict
    with are measured."""

    def __init__(self, tail: Any, learn: bool) -> None:
        self.tail, self.learn = tail, learn
        found = [one for one in tail.sublayers() if isinstance(one, nn.BatchNorm2D)]
        for one in found:
            one._momentum = MOMENTUM
        self.layers = found
        self.tensors = [part for one in found for part in (one._mean, one._variance)]
        tail.eval()

    def teach(self) -> None:
        """From now on batches are normalised as they are taught."""
        if self.learn:
            self.tail.train()

    def become(self, statistics: NDArray[np.float32] | None) -> None:
        """Predict with `statistics`; with what there is if None."""
        if statistics is not None:
            fill(self.tensors, statistics)
            self.tail.eval()
        else:
            self.teach()

    @quiet()  # batch norm tells at every step that it does what it is for
    def measured(self, batches: Sequence[Any]) -> NDArray[np.float32]:
        """The mean of the statistics of `batches`: those that were kept while the weights moved are
        of other weights."""
        self.tail.train()
        told = []
        for one in self.layers:
            one._momentum = 0.0  # so that it keeps its last batch's alone
        with paddle.no_grad():
            for batch in batches:
                self.tail(batch)
                told.append(flattened(self.tensors))
        for one in self.layers:
            one._momentum = MOMENTUM
        mean: NDArray[np.float32] = np.mean(told, axis=0, dtype=np.float32)
        return mean
