"""Reads a .pdparams file, as paddle.save writes it: a pickle of arrays by their parameters'
names."""

from typing import Any

import numpy as np

from stages.models.numpy_pickle import read_pickle
from stages.models.weights import Array
from stages.runtime.errors import Damaged

TABLE = "StructuredToParameterName@@"  # names inside Paddle, which are not needed
CLASSIFIERS = ("classifier.", "fc.", "_fc.")


def read_params(data: bytes) -> dict[str, Array]:
    """The arrays in `data` by name. Raises Damaged if there is anything else in it."""
    found = read_pickle(data)
    if not isinstance(found, dict):
        raise Damaged("The weights are not a table of arrays.", "Get the file again.")
    return {name: _array(name, array) for name, array in found.items() if name != TABLE}


def place(name: str) -> str | None:
    """`name` itself, as our layers have their publisher's names; None for ImageNet's
    classifier."""
    return None if name.startswith(CLASSIFIERS) else name


def _array(name: str, value: Any) -> Array:
    """`value`, or the array of a pair of inner name and array."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        value = value[1]
    if not isinstance(value, np.ndarray):
        raise Damaged(f"The weights hold '{name}', which is not an array.", "Get the file again.")
    return value
