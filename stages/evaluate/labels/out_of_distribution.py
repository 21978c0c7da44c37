"""The test samples that are least like training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.etl.manifest import Sample

NEAREST, SHOWN = 3, 6

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class OutOfDistribution(NamedTuple):
    """A test sample that is far from the training samples with its label. `near`: digest of the
    nearest of these. `distance`: relative to the median distance among them."""

    digest: str
    name: str
    label: str
    near: str
    distance: float


def out_of_distribution_samples(
    samples: Sequence[Sample], features: Numbers, second: Flags, labels: Indices
) -> tuple[OutOfDistribution, ...]:
    """The test samples that are farthest from the training samples of their label, relative to the
    distances among these, in cosine distance to the NEAREST. `features`: [samples, features];
    `second`: which samples are of the test; `labels`: label indices."""
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    found: list[OutOfDistribution] = []
    for label in np.unique(labels[second]):
        ours, theirs = (np.flatnonzero((labels == label) & side) for side in (second, ~second))
        if len(theirs) <= NEAREST:
            continue
        away = 1 - unit[ours] @ unit[theirs].T
        among = 1 - unit[theirs] @ unit[theirs].T
        usual = np.median(np.sort(among, axis=1)[:, 1 : NEAREST + 1].mean(axis=1))
        far = np.sort(away, axis=1)[:, :NEAREST].mean(axis=1) / max(float(usual), 1e-12)
        for place, row in enumerate(ours):
            near = samples[theirs[int(away[place].argmin())]]
            sample = samples[row]
            identity = (sample.digest, sample.file, sample.label, near.digest)
            found.append(OutOfDistribution(*identity, round(float(far[place]), 4)))
    return tuple(sorted(found, key=lambda sample: (-sample.distance, sample.digest))[:SHOWN])
