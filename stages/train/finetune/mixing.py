"""Two samples of a batch made one, with both labels."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mixed(
    maps: Floats, targets: Floats, how: str, even: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """`maps` [n, channels, height, width] and `targets` [n, labels], each with another's mixed in:
    "mixup" (Zhang et al., arXiv 1710.09412), "cutmix" (Yun et al., arXiv 1905.04899), or "none".

    `even`: both arguments of the beta distribution that shares come of; the lower, the more is of
    one of the two."""
    other = rng.permutation(len(maps))
    if how == "mixup":
        share = np.float32(rng.beta(even, even))
        return share * maps + (1 - share) * maps[other], _both(targets, other, share)
    if how == "cutmix":
        return _cut(maps, targets, other, rng.beta(even, even), rng)
    return maps, targets


def _cut(
    maps: Floats,
    targets: Floats,
    other: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    height, width = maps.shape[2:]
    side = float(np.sqrt(1 - share))
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
