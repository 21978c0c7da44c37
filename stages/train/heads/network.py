"""A trained network: stored as a Model's files, and loaded as arrays or as a Paddle layer."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Model
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.models.export import export_network
from stages.models.weights import Array
from stages.store import Store


def network_files(family: str, arrays: dict[str, Array], store: Store) -> dict[str, str]:
    """Export `family` with the weights `arrays` into `store`, graph and weights: the digest of each
    by its name in a Model."""
    with TemporaryDirectory() as folder:
        files = export_network(family, arrays, Path(folder))
        digests = {name: store.add_file(path) for name, path in files.items()}
    return {**digests, "weights.npz": store.add(pack_arrays(arrays))}


def arrays_of(model: Model, store: Store) -> dict[str, Array]:
    """The weights of `model` by name: backbone.* and head.*, or as its family builds it."""
    return unpack_arrays(store.get(model.files["weights.npz"]))


def build(model: Model, store: Store) -> Any:
    """The network of `model` with its weights, a Paddle layer in evaluation mode: windows (N, ...)
    to the family's outputs."""
    from stages.models.network import assemble

    return assemble(model.family, arrays_of(model, store))
