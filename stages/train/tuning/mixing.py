"""Two samples of a batch made one, with both labels."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
EVEN = 0.2  # of the beta distribution that mixup's shares come of


def mixed(
    maps: Floats, targets: Floats, how: str, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """`maps` [n, channels, height, width] and `targets` [n, labels], each with another's mixed in:
    "mixup" (Zhang et al., arXiv 1710.09412), "cutmix" (Yun et al., arXiv 1905.04899), or "none"."""
    other = rng.permutation(len(maps))
    if how == "mixup":
        share = np.float32(rng.beta(EVEN, EVEN))
        return share * maps + (1 - share) * maps[other], _both(targets, other, share)
    if how == "cutmix":
        return _cut(maps, targets, other, rng)
    return maps, targets


def _cut(
    maps: Floats, targets: Floats, other: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    height, width = maps.shape[2:]
    side = float(np.sqrt(rng.random()))
    tall, wide = round(height * side), round(width * side)
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    maps = maps.copy()
    maps[:, :, top : top + tall, left : left + wide] = maps[
        other, :, top : top + tall, left : left + wide
    ]
    return maps, _both(targets, other, np.float32(1 - tall * wide / (height * width)))


def _both(targets: Floats, other: NDArray[np.int64], share: np.float32) -> Floats:
    made: Floats = share * targets + (1 - share) * targets[other]
    return made
