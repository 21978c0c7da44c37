"""Names one negative to generate, and makes its random generator."""

from typing import NamedTuple

import numpy as np

from stages.artifacts import digest_of


class NegativeSpec(NamedTuple):
    """A negative to generate: number `number`, from 0, of a `kind`."""

    kind: str
    number: int


def generator_for(spec: NegativeSpec, seed: int) -> np.random.Generator:
    """A random generator for the negative of `spec`, by its kind, number and `seed`: adding a kind
    changes no other negative."""
    return np.random.default_rng([seed, int(digest_of(spec.kind.encode())[:8], 16), spec.number])
