"""The reader of weights knows tensors and nothing else."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from stages.models.torch_legacy import MAGIC, read_tensors
from stages.parts import FAMILIES
from stages.runtime.errors import Damaged


class Storage:
    """Stands in a pickle where torch puts a reference to a storage."""

    def __init__(self, key: str, count: int) -> None:
        self.pid = ("storage", FLOAT, key, "cpu", count, None)


class Name:
    """Is pickled as the global `module.name`."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


FLOAT = Name("torch", "FloatStorage")
REBUILD = Name("torch._utils", "_rebuild_tensor_v2")


class Tensor:
    def __init__(self, storage: Storage, offset: int, shape: tuple, strides: tuple) -> None:
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())


class Writer(pickle._Pickler):
    """Writes what torch would write, without torch."""

    def persistent_id(self, item: object) -> object:
        return item.pid if isinstance(item, Storage) else None

    def save_name(self, name: Name) -> None:
        self.write(f"c{name.module}\n{name.name}\n".encode())

    def save_tensor(self, tensor: Tensor) -> None:
        self.save(REBUILD)
        self.save(tensor.arguments)
        self.write(pickle.REDUCE)

    dispatch = pickle._Pickler.dispatch | {Name: save_name, Tensor: save_tensor}


def file_of(tensors: dict, numbers: dict[str, list[float]]) -> bytes:
    out = io.BytesIO()
    for part in (MAGIC, 1001, {"little_endian": True}, tensors, list(numbers)):
        Writer(out, 2).dump(part)
    for values in numbers.values():
        out.write(struct.pack("<q", len(values)) + np.array(values, "<f4").tobytes())
    return out.getvalue()


def test_tensors_are_read_with_their_strides():
    storage = Storage("s", 6)
    tensors = {
        "plain": Tensor(storage, 0, (2, 3), (3, 1)),
        "turned": Tensor(storage, 0, (3, 2), (1, 3)),
    }

    found = read_tensors(file_of(tensors, {"s": [0, 1, 2, 3, 4, 5]}))

    np.testing.assert_array_equal(found["plain"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["turned"], found["plain"].T)


def test_a_pickle_that_calls_anything_else_is_refused_and_nothing_is_called(tmp_path: Path):
    mark = tmp_path / "called"

    class Trap:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(mark),)

    with pytest.raises(Damaged, match="mkdir"):
        read_tensors(file_of({"trap": Trap()}, {}))

    assert not mark.exists()


@pytest.mark.parametrize(
    ("offset", "strides"), [(4, (3, 1)), (0, (30, 1)), (-1, (3, 1)), (0, (-3, 1))]
)
def test_a_tensor_that_reaches_beyond_its_storage_is_refused(offset: int, strides: tuple):
    tensors = {"far": Tensor(Storage("s", 6), offset, (2, 3), strides)}

    with pytest.raises(Damaged, match="beyond"):
        read_tensors(file_of(tensors, {"s": [0, 1, 2, 3, 4, 5]}))


@pytest.mark.parametrize("length", [1, 7, 20, -1, -9, -25])
def test_a_file_that_was_cut_is_refused(length: int):
    whole = file_of({"a": Tensor(Storage("s", 6), 0, (6,), (1,))}, {"s": [0, 1, 2, 3, 4, 5]})

    with pytest.raises(Damaged, match="again"):
        read_tensors(whole[:length])


def test_bytes_that_are_left_over_are_refused():
    whole = file_of({"a": Tensor(Storage("s", 2), 0, (2,), (1,))}, {"s": [0, 1]})

    with pytest.raises(Damaged, match="left over"):
        read_tensors(whole + b"x")


def test_a_published_file_has_all_its_tensors():
    weights = FAMILIES["efficientnet_lite0"].load()

    assert sum(array.size for array in weights.values()) == 3_413_024
    assert weights["stem.convolution.weight"].shape == (32, 3, 3, 3)
