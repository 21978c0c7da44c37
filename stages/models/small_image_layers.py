"""The small image network's layers in Paddle."""

from typing import ClassVar

from paddle import Tensor

from stages.models.fold_networks import FoldNetworks, Stage


class SmallImage(FoldNetworks):
    """Pictures (N, 3, height, width), standardised for each channel; mean over the picture."""

    stages: ClassVar = (Stage(16, 2), Stage(32, 2), Stage(48, 1), Stage(64, 2), Stage(64, 1))
    averaged: ClassVar = (0, 2, 3)

    def pooled(self, outputs: Tensor) -> Tensor:
        return outputs.mean(axis=[2, 3], keepdim=True)
