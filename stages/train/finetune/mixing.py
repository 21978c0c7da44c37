"""Two samples of a batch mixed into one, with both labels."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mixed(
    feature_maps: Floats, targets: Floats, how: str, even: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """`feature_maps` [n, channels, height, width] and `targets` [n, labels], each mixed with
    another sample of the batch: "mixup" (Zhang et al., arXiv 1710.09412), "cutmix" (Yun et al.,
    arXiv 1905.04899), or "none".

    `even`: both parameters of the beta distribution from which the share is drawn; the lower, the
    more of one of the two samples remains."""
    other = rng.permutation(len(feature_maps))
    if how == "mixup":
        share = np.float32(rng.beta(even, even))
        return share * feature_maps + (1 - share) * feature_maps[other], _both(
            targets, other, share
        )
    if how == "cutmix":
        return _cutmix(feature_maps, targets, other, rng.beta(even, even), rng)
    return feature_maps, targets


def _cutmix(
    feature_maps: Floats,
    targets: Floats,
    other: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    height, width = feature_maps.shape[2:]
    side = float(np.sqrt(1 - share))
    tall, wide = round(height * side), round(width * side)
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    feature_maps = feature_maps.copy()
    feature_maps[:, :, top : top + tall, left : left + wide] = feature_maps[
        other, :, top : top + tall, left : left + wide
    ]
    return feature_maps, _both(targets, other, np.float32(1 - tall * wide / (height * width)))


def _both(targets: Floats, other: NDArray[np.int64], share: np.float32) -> Floats:
    mixed_targets: Floats = share * targets + (1 - share) * targets[other]
    return mixed_targets
