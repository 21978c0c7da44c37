"""Compares simple traits of the training and the test samples: size, brightness, loudness, type of
file."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.etl.manifest import Sample
from stages.evaluate.training import Training
from stages.media import Modality
from stages.metrics.two_samples import differences
from stages.parts import MODALITIES, TASKS

SURE = 0.01  # p value up to which a difference is reported
LEAST = 0.03  # smallest difference that is reported, as a share of the trait
SHARE = "share of "  # begins the name of a trait that is 0 or 1

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class Trait(NamedTuple):
    """The mean of a trait over the training and over the test samples.

    `share_higher`: share of pairs with one label in which the test sample has more of it than the
    training sample. `p`: p value, corrected for the number of traits. `apart`: mean distance
    between the quantiles of both distributions, as a share of their mean absolute value."""

    name: str
    training: float
    test: float
    share_higher: float
    p: float
    apart: float

    @property
    def differs(self) -> bool:
        """Whether the difference is significant and large enough to matter."""
        return self.p <= SURE and self.apart >= LEAST


def traits_of(
    samples: Sequence[Sample], flags: Flags, labels: Indices, training: Training
) -> tuple[Trait, ...]:
    """All traits of `samples`; `flags`: which are of the test (`two_samples.flags_of`)."""
    modality: Modality = MODALITIES[TASKS[training.dataset.task].modality]()
    with ThreadPoolExecutor(training.resources.cores) as pool:
        measured = list(
            pool.map(
                lambda sample: _traits(sample, training.store.get(sample.digest), modality), samples
            )
        )
    names = list(dict.fromkeys(name for traits in measured for name in traits))
    table = np.array([[traits.get(name, 0.0) for name in names] for traits in measured])
    second = flags[:, 0]
    higher, p = differences(table, flags, labels)
    sides = (table[~second].mean(axis=0), table[second].mean(axis=0))
    apart = [_apart(column[~second], column[second]) for column in table.T]
    values = zip(names, *sides, higher, p, apart, strict=True)
    return tuple(Trait(name, *(round(float(value), 6) for value in rest)) for name, *rest in values)


def _traits(sample: Sample, data: bytes, modality: Modality) -> dict[str, float]:
    kind = PurePath(sample.file).suffix.lower() or "no ending"
    return {**modality.traits(data), "file size in bytes": float(len(data)), f"{SHARE}{kind}": 1.0}


def _apart(first: Numbers, other: Numbers) -> float:
    """The mean distance between equal quantiles of both, as a share of the mean size."""
    at = np.linspace(0, 1, 101)
    away = np.abs(np.quantile(first, at) - np.quantile(other, at)).mean()
    return float(away / max(np.abs(np.concatenate([first, other])).mean(), 1e-12))
