"""Stores a trained network as files of a Model, and loads it as arrays or as a Paddle layer."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.artifacts import Model
from stages.models.arrays import pack_arrays, unpack_arrays
from stages.models.export import export_network
from stages.models.weights import Array
from stages.store import Store


def network_files(family: str, arrays: dict[str, Array], store: Store) -> dict[str, str]:
    """Export the network of `family` (a name) with the weights `arrays` into `store`; return the
    digests of its graph and weights by their names in a Model. Raises what `export_network`
    raises."""
    with TemporaryDirectory() as folder:
        files = export_network(family, arrays, Path(folder))
        digests = {name: store.add_file(path) for name, path in files.items()}
    return {**digests, "weights.npz": store.add(pack_arrays(arrays))}


def arrays_of(model: Model, store: Store) -> dict[str, Array]:
    """The weights of `model` by their names in the network that its family builds: backbone.* and
    head.* for most families."""
    return unpack_arrays(store.get(model.files["weights.npz"]))


def build(model: Model, store: Store) -> Any:
    """The network of `model` with its weights, a Paddle layer in evaluation mode: windows (N, ...)
    to the family's outputs."""
    from stages.models.network import assemble

    return assemble(model.family, arrays_of(model, store))
