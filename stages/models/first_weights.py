"""Random initial weights of a backbone that is trained from scratch."""

import paddle

from stages.models.family import Family
from stages.models.weights import Array

SEED = 0


def first_weights(family: Family) -> dict[str, Array]:
    """Initial weights of a new backbone of `family` by parameter name, from a fixed seed."""
    paddle.seed(SEED)
    return {name: parameter.numpy() for name, parameter in family.backbone().state_dict().items()}
