"""The weights of a backbone that nothing has taught."""

import paddle

from stages.models.family import Family
from stages.models.weights import Array

SEED = 0


def first_weights(family: Family) -> dict[str, Array]:
    """What a new backbone of `family` begins with, by its names in it: always the same numbers."""
    paddle.seed(SEED)
    return {name: parameter.numpy() for name, parameter in family.backbone().state_dict().items()}
