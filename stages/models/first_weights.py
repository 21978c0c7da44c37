"""The weights of a trunk that nothing has taught."""

import paddle

from stages.models.family import Family
from stages.models.weights import Array

SEED = 0


def first_weights(family: Family) -> dict[str, Array]:
    """What a new trunk of `family` begins with, by its names in it: always the same numbers."""
    paddle.seed(SEED)
    return {name: one.numpy() for name, one in family.trunk().state_dict().items()}
