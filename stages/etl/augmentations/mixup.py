"""Mixes pairs of samples and their targets, so that the network interpolates between labels."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from stages.etl.augmentations import within
from stages.etl.augmentations.sounds import OnSounds

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Mixup(OnSounds):
    """mixup (H. Zhang et al. 2018): mixes each sample of a batch and its target with another one,
    by a share drawn for the batch from Beta(`alpha`, `alpha`); with `alpha` 0 nothing is mixed.
    Applied to batches, by the trainer."""

    alpha: float = 0.2

    after: ClassVar[tuple[str, ...]] = ("batch",)

    def __post_init__(self) -> None:
        within(self, "alpha", 0, 10)

    def __call__(
        self, inputs: Floats, targets: Floats, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Mix `inputs` [n, ...] and `targets` [n, labels], whose rows each sum to 1."""
        share = np.float32(rng.beta(self.alpha, self.alpha) if self.alpha else 1)
        other = rng.permutation(len(inputs))
        rest = np.float32(1) - share
        mixed = share * inputs + rest * inputs[other], share * targets + rest * targets[other]
        return mixed[0].astype(np.float32), mixed[1].astype(np.float32)
