"""One negative to generate, and its random generator."""

from typing import NamedTuple

import numpy as np

from stages.artifacts import digest_of


class NegativeSpec(NamedTuple):
    """One negative to generate."""

    kind: str
    number: int


def generator_for(order: NegativeSpec, seed: int) -> np.random.Generator:
    """The random generator of `order`: its own, so that adding a kind changes no other."""
    return np.random.default_rng([seed, int(digest_of(order.kind.encode())[:8], 16), order.number])
