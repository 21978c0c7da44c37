"""A trained Model as arrays and as a Paddle layer."""

from typing import Any

from stages.artifacts import Model
from stages.models.arrays import unpack_arrays
from stages.models.weights import Array
from stages.store import Store


def arrays_of(model: Model, store: Store) -> dict[str, Array]:
    """The weights of `model` by name: trunk.* and head.*, or as its family builds it."""
    return unpack_arrays(store.get(model.files["weights.npz"]))


def build(model: Model, store: Store) -> Any:
    """The network of `model` with its weights, a Paddle layer ready to predict: windows (N, ...) to
    what its family answers."""
    from stages.models.network import assemble

    return assemble(model.family, arrays_of(model, store))
