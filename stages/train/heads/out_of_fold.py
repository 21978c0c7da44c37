"""What those who had not seen a sample said of it: arrays that a trial keeps beside its weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.models.weights import Array

NAMES = ("rows", "logits", "temperature")


def arrays_of(
    rows: NDArray[np.int64], logits: NDArray[np.float32], temperature: float
) -> dict[str, Any]:
    """`rows` [n] of a problem, ascending; their `logits` [n, labels] at the `temperature`."""
    return {"rows": rows, "logits": logits, "temperature": np.float64(temperature)}


def only(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Of a trial's `arrays`, those of samples that it had not seen."""
    return {name: arrays[name] for name in NAMES}


def without(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Of a trial's `arrays`, the weights."""
    return {name: arrays[name] for name in arrays if name not in NAMES}
