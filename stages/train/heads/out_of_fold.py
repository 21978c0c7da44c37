"""Names the arrays in which a trial keeps its out-of-fold predictions, beside its weights."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.models.weights import Array

NAMES = ("rows", "logits", "temperature")


def prediction_arrays(
    rows: NDArray[np.int64], logits: NDArray[np.float32], temperature: float
) -> dict[str, Any]:
    """The arrays of out-of-fold predictions by their names. `rows` [n]: indices of a problem's
    rows, ascending; `logits` [n, labels]: already divided by `temperature`."""
    return {"rows": rows, "logits": logits, "temperature": np.float64(temperature)}


def predictions_in(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The out-of-fold predictions among a trial's `arrays`."""
    return {name: arrays[name] for name in NAMES}


def weights_in(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The weights among a trial's `arrays`."""
    return {name: arrays[name] for name in arrays if name not in NAMES}
