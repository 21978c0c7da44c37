"""Chooses the sizes of a detector's prior boxes by those of the training boxes.

Redmon and Farhadi, YOLO9000 (arXiv 1612.08242), section 2: priors at the centres of a k-means
clustering of the training boxes. Here it is their size alone that is clustered, the square root of
the area on a logarithmic scale, as every size has a square, a wide and a high prior anyway."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.etl.augmentations import Scene

MIN_RATIO = 1.25  # of the sizes of neighbouring levels, where boxes hardly differ in size
SMALLEST, LARGEST = 0.01, 1.0  # shares of the picture's side
ROUNDS = 100  # of k-means at most

Numbers = NDArray[np.float64]


def prior_sizes(scenes: Sequence[Scene], levels: int) -> list[list[float]]:
    """The smallest and the largest prior of each of `levels` feature maps, the finest first, as
    shares of the picture's side (the argument `shares` of the step `decode_priors`). `scenes`:
    training pictures with their boxes, at least one of them with a box."""
    centres = np.exp(_means(np.log(_sizes(scenes)), levels))
    for level in range(1, levels):
        centres[level] = max(centres[level], MIN_RATIO * centres[level - 1])
    last_ratio = centres[-1] / centres[-2] if levels > 1 else MIN_RATIO
    edges = [*centres, max(centres[-1], min(centres[-1] * last_ratio, LARGEST))]
    return [[round(float(edge), 4) for edge in edges[level : level + 2]] for level in range(levels)]


def _sizes(scenes: Sequence[Scene]) -> Numbers:
    """The square root of each box's area, as a share of the picture's, in ascending order."""
    found = []
    for scene in scenes:
        height, width = scene.picture.shape[:2]
        left, top, right, bottom = scene.boxes[:, :4].astype(np.float64).T
        found.append(np.sqrt((right - left) / width * (bottom - top) / height))
    return np.sort(np.clip(np.concatenate(found), SMALLEST, LARGEST))


def _means(values: Numbers, count: int) -> Numbers:
    """The centres of `count` clusters of the sorted `values` by Lloyd's algorithm, which begins at
    quantiles, so that it needs no seed."""
    centres = np.asarray(np.quantile(values, (np.arange(count) + 0.5) / count), np.float64)
    for _ in range(ROUNDS):
        nearest = np.abs(values[:, None] - centres).argmin(axis=1)
        members = [values[nearest == place] for place in range(count)]
        moved = [
            group.mean() if len(group) else centre
            for group, centre in zip(members, centres, strict=True)
        ]
        if np.allclose(moved, centres):
            break
        centres = np.array(moved)
    return centres
