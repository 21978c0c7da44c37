"""Out-of-fold predictions: arrays that a trial keeps beside its weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.models.weights import Array

NAMES = ("rows", "logits", "temperature")


def arrays_of(
    rows: NDArray[np.int64], logits: NDArray[np.float32], temperature: float
) -> dict[str, Any]:
    """`rows` [n] of a problem, ascending; their out-of-fold `logits` [n, labels] at the
    `temperature`."""
    return {"rows": rows, "logits": logits, "temperature": np.float64(temperature)}


def only(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The out-of-fold predictions among a trial's `arrays`."""
    return {name: arrays[name] for name in NAMES}


def without(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The weights among a trial's `arrays`."""
    return {name: arrays[name] for name in arrays if name not in NAMES}
