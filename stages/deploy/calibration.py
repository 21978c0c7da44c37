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
    """At most `count` training samples, from each label in turn, in order of their digests; one
    that has several labels or none stands with its first or with the empty ones.

    A digest's order is as good as chance, and the same everywhere."""
    samples = sorted(samples_of(dataset, store, "train"), key=lambda one: (one.digest, one.file))
    by_label: dict[str, list[Sample]] = {label: [] for label in (*dataset.labels, "")}
    for one in samples:
        by_label.setdefault(next(iter(one.labels), ""), []).append(one)
    turns = chain.from_iterable(zip_longest(*by_label.values()))
    return [one for one in turns if one is not None][:count]


def prepared(model: Model, samples: Sequence[Sample], store: Store) -> NDArray[np.float32]:
    """Windows of `samples` as `model` sees them, [n, ...]: as many as there are samples at most, so
    that a long recording counts as little as a short one; the middle one of each."""
    before = [step.model_dump() for step in model.before]
    parts = [_middle(steps.prepared(before, store.get(one.digest)).windows) for one in samples]
    shape = (len(parts), *model.input_shape)
    return np.asarray(parts, np.float32).reshape(shape)


def batches(windows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """`windows` by tens."""
    return [windows[start : start + BATCH] for start in range(0, len(windows), BATCH)]


def _middle(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    window: NDArray[np.float32] = windows[len(windows) // 2]
    return window
