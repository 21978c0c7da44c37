"""One negative that is to be made, and the random numbers that it is made with."""

from typing import NamedTuple

import numpy as np

from stages.artifacts import digest_of


class NegativeSpec(NamedTuple):
    """One negative to be made."""

    kind: str
    number: int


def generator_for(order: NegativeSpec, seed: int) -> np.random.Generator:
    """What `order` is drawn with: its own, so that another kind more changes none."""
    return np.random.default_rng([seed, int(digest_of(order.kind.encode())[:8], 16), order.number])
