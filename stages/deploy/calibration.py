"""Chooses and preprocesses the training samples that set the quantization ranges of int8."""

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
    """Choose at most `count` training samples, taking one of each label in turn.

    Within a label they are ordered by digest, which is as good as random and the same on every
    machine. A sample with several labels counts for its first; samples without a label form a
    group of their own."""
    samples = sorted(
        samples_of(dataset, store, "train"), key=lambda sample: (sample.digest, sample.file)
    )
    by_label: dict[str, list[Sample]] = {label: [] for label in (*dataset.labels, "")}
    for sample in samples:
        by_label.setdefault(next(iter(sample.labels), ""), []).append(sample)
    turns = chain.from_iterable(zip_longest(*by_label.values()))
    return [sample for sample in turns if sample is not None][:count]


def prepared(model: Model, samples: Sequence[Sample], store: Store) -> NDArray[np.float32]:
    """Preprocess `samples` for `model` and return the middle window of each, float32 [n, ...].

    One window a sample, so that a long recording weighs no more than a short one."""
    before = [step.model_dump() for step in model.before]
    parts = [
        _middle(steps.prepared(before, store.get(sample.digest)).windows) for sample in samples
    ]
    shape = (len(parts), *model.input_shape)
    return np.asarray(parts, np.float32).reshape(shape)


def batches(windows: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Split `windows` into batches of at most BATCH."""
    return [windows[start : start + BATCH] for start in range(0, len(windows), BATCH)]


def _middle(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    window: NDArray[np.float32] = windows[len(windows) // 2]
    return window
