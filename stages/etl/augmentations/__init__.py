"""Seeded changes to a training sample: (H, W, 3 uint8, RGB) and a generator in, a picture out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.runtime.errors import ConfigError

Picture = NDArray[np.uint8]


def within(part: Any, name: str, low: float, high: float) -> None:
    """Raise ConfigError unless the number `part.name` lies from `low` to `high`."""
    value = getattr(part, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        raise ConfigError(
            f"{type(part).__name__}: {name} is {value!r}.",
            f"Give a number from {low:g} to {high:g}.",
        )


def share(part: Any, name: str) -> None:
    """Raise ConfigError unless `part.name` lies from 0 to 1."""
    within(part, name, 0, 1)
