"""Mixes the samples of a batch with each other, with their targets: mixup and cutmix."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def mix_batch(
    feature_maps: Floats, targets: Floats, how: str, concentration: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """`feature_maps` [n, channels, height, width] and `targets` [n, labels], each mixed with those
    of another sample of the batch. `how`: "mixup" (Zhang et al., arXiv 1710.09412), "cutmix" (Yun
    et al., arXiv 1905.04899), or "none", which returns both as they are.

    `concentration`: both parameters of the beta distribution from which the share of the first
    sample is sampled; the lower, the more one of the two samples dominates. Mixup takes one share
    for the batch, cutmix one rectangle."""
    other = rng.permutation(len(feature_maps))
    if how == "mixup":
        share = np.float32(rng.beta(concentration, concentration))
        return share * feature_maps + (1 - share) * feature_maps[other], _mix_targets(
            targets, other, share
        )
    if how == "cutmix":
        return _cutmix(feature_maps, targets, other, rng.beta(concentration, concentration), rng)
    return feature_maps, targets


def _cutmix(
    feature_maps: Floats,
    targets: Floats,
    other: NDArray[np.int64],
    share: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Replace a random rectangle, a share of about 1 - `share` of the area, by that of the samples
    `other` [n]."""
    height, width = feature_maps.shape[2:]
    side = float(np.sqrt(1 - share))
    tall, wide = round(height * side), round(width * side)
    top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
    feature_maps = feature_maps.copy()
    feature_maps[:, :, top : top + tall, left : left + wide] = feature_maps[
        other, :, top : top + tall, left : left + wide
    ]
    return feature_maps, _mix_targets(
        targets, other, np.float32(1 - tall * wide / (height * width))
    )


def _mix_targets(targets: Floats, other: NDArray[np.int64], share: np.float32) -> Floats:
    """A share of `share` of each row of `targets`, the rest of the row `other`."""
    mixed_targets: Floats = share * targets + (1 - share) * targets[other]
    return mixed_targets
