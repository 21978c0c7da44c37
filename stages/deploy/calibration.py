"""Which training samples set the ranges of int8, and what the network sees of them."""

from collections.abc import Sequence
from itertools import chain, zip_longest

import numpy as np
from numpy.typing import NDArray

from stages.artifacts import Dataset, Model
from stages.etl.manifest import Sample, samples_of
from stages.runtime import steps
from stages.store import Store

BATCH = 10


def chosen(dataset: Dataset, store: Store, count: int) -> list[Sample]:
    """At most `count` training samples, from each label in turn, in order of their digests.

    A digest's order is as good as chance, and the same everywhere."""
    samples = sorted(samples_of(dataset, store, "train"), key=lambda one: (one.digest, one.file))
    by_label = [[one for one in samples if one.label == label] for label in dataset.labels]
    turns = chain.from_iterable(zip_longest(*by_label))
    return [one for one in turns if one is not None][:count]


def prepared(model: Model, samples: Sequence[Sample], store: Store) -> NDArray[np.float32]:
    """`samples` as `model` sees them, [n, 3, H, W]."""
    before = [step.model_dump() for step in model.before]
    pictures = [steps.run(before, store.get(one.digest)) for one in samples]
    shape = (len(pictures), *model.input_shape)
    return np.asarray(pictures, np.float32).reshape(shape)


def batches(pictures: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """`pictures` by tens."""
    return [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
