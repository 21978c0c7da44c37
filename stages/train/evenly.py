"""Picks samples that are spread over all of a list."""

import numpy as np
from numpy.typing import NDArray


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """The indices, ascending, of `most` of `count` samples, or of all if there are no more. Most
    lists are in the order of file names, so that the first samples have one label, or were taken
    at one place."""
    places = np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)
    return np.unique(places)
