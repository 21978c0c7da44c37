"""NanoDet's published tensors: read from a package, named as our layers are."""

import io
import json
import tarfile

import numpy as np
import pytest

from stages.artifacts import digest_of
from stages.fetching import Archive
from stages.models.nanodet_layers import Body
from stages.models.nanodet_weights import body_places, head_places
from stages.models.tfjs_weights import fetched_weights
from stages.models.weights import PackedWeights
from stages.runtime.errors import Damaged
from tests import makers

KERNEL = np.arange(24, dtype="<f2").reshape(1, 2, 3, 4)
BIAS = np.array([0.5, -2], "<f4")
LISTED = [
    {"name": "kernel", "shape": [1, 2, 3, 4], "dtype": "float32", "quantization": {}},
    {"name": "count", "shape": [], "dtype": "int32"},
    {"name": "bias", "shape": [2], "dtype": "float32"},
]
NUMBERS = KERNEL.tobytes() + np.array(7, "<i4").tobytes() + BIAS.tobytes()


def test_every_layer_has_its_place():
    places = [*body_places(), *head_places()]

    wanted = {name.rpartition(".")[0] for name in Body().state_dict()}
    assert set(places) == wanted
    assert len(places) == len(wanted) == 34


def test_arrays_are_read_in_their_order_and_kernels_turned_as_paddle_has_them(tmp_path):
    found = fetched_weights(*_package(tmp_path, NUMBERS))

    np.testing.assert_array_equal(found["kernel"], KERNEL.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(found["bias"], BIAS)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


def test_numbers_that_are_left_over_are_told(tmp_path):
    with pytest.raises(Damaged, match="left over"):
        fetched_weights(*_package(tmp_path, NUMBERS + b"more"))


def test_another_file_in_the_package_is_refused(tmp_path):
    weights, resources = _package(tmp_path, NUMBERS)
    other = PackedWeights(
        weights.package, "1", weights.file, "0" * 64, weights.read, archive=weights.archive
    )

    with pytest.raises(Damaged, match="digest"):
        fetched_weights(other, resources)


def _package(folder, numbers: bytes):
    """Weights in a package that was fetched before."""
    resources = makers.resources(folder)
    graph = json.dumps({"weightsManifest": [{"weights": LISTED}]}).encode()
    package = resources.scratch / "packages" / "made-1.tgz"
    package.parent.mkdir(parents=True)
    with tarfile.open(package, "w:gz") as archive:
        for name, data in (("package/net.bin", numbers), ("package/net.json", graph)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    data = package.read_bytes()
    fixed_archive = Archive("made", "1", package.name, len(data), digest_of(data))
    name = "package/net.bin"
    weights = PackedWeights(
        "made",
        "1",
        name,
        digest_of(numbers),
        ".tfjs_weights:fetched_weights",
        archive=fixed_archive,
    )
    return weights, resources
