"""The small audio network's layers in Paddle."""

from typing import ClassVar

from paddle import Tensor

from stages.models.fold_networks import FoldNetworks, Stage


class SmallAudio(FoldNetworks):
    """Spectrograms (N, 1, bands, frames), standardised for each band; mean over frequency, mean and
    maximum over time."""

    stages: ClassVar = (Stage(16, 2), Stage(32, 2), Stage(48, 2), Stage(64, 2), Stage(64, 1))
    averaged: ClassVar = (0, 1, 3)

    def pooled(self, outputs: Tensor) -> Tensor:
        bands = outputs.mean(axis=2, keepdim=True)
        return bands.mean(axis=3, keepdim=True) + bands.max(axis=3, keepdim=True)
