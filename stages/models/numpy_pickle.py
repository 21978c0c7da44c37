"""Reads arrays from a pickle without running any of it.

A pickle can call anything, so this reader accepts five names, replaces them by its own plain
functions, and refuses all others. An array is stored as `numpy`'s `__reduce__` writes it: a call of
_reconstruct, then a state of version, shape, dtype, whether columns come first, and the bytes."""

import io
import pickle
from collections import OrderedDict
from math import prod
from typing import Any

import numpy as np

from stages.models.weights import Array
from stages.runtime.errors import Damaged

DTYPES = ("f2", "f4", "f8", "i4", "i8")
ARRAYS = ("numpy.core.multiarray", "numpy._core.multiarray")


def read_pickle(data: bytes) -> Any:
    """The content of the pickle `data`: dictionaries, lists, texts, numbers and arrays.

    Raises Damaged if it contains anything else, or if an array's length is wrong."""
    file = io.BytesIO(data)
    try:
        found = plain(_Restricted(file, encoding="latin1").load())
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError) as error:
        raise _damaged(str(error)) from error
    except (AttributeError, MemoryError, OverflowError) as error:
        raise _damaged("it is malformed") from error
    if file.tell() != len(data):
        raise _damaged(f"{len(data) - file.tell()} bytes are left over")
    return found


def plain(value: Any) -> Any:
    """`value` with arrays instead of their placeholders."""
    if isinstance(value, _Array):
        return value.array()
    if isinstance(value, dict):
        return {key: plain(element) for key, element in value.items()}
    return [plain(element) for element in value] if isinstance(value, list | tuple) else value


class _Restricted(pickle.Unpickler):
    """Accepts ordered dictionaries, arrays, their types and bytes; any other name is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("_codecs", "encode"):
            return _encoded
        if (module, name) == ("numpy", "ndarray"):
            return "ndarray"
        if (module, name) == ("numpy", "dtype"):
            return _Dtype
        if module in ARRAYS and name == "_reconstruct":
            return _empty_array
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")


class _Dtype:
    """A type of numbers, little endian."""

    def __init__(self, name: str, *_rest: Any) -> None:
        if name not in DTYPES:
            raise pickle.UnpicklingError(f"it holds numbers of the type {name}")
        self.name = name

    def __setstate__(self, state: Any) -> None:
        if state[1] != "<":
            raise pickle.UnpicklingError(f"it holds numbers in the order {state[1]}")


class _Array:
    """A placeholder for an array that is not yet created."""

    def __setstate__(self, state: Any) -> None:
        _version, self.shape, self.dtype, self.columns_first, self.data = state

    def array(self) -> Array:
        shape, data = tuple(self.shape), self.data
        if not isinstance(self.dtype, _Dtype) or not isinstance(data, bytes):
            raise ValueError("an array holds no plain numbers")
        kind = np.dtype(f"<{self.dtype.name}")
        if min(shape, default=0) < 0 or prod(shape) * kind.itemsize != len(data):
            raise ValueError(f"an array of {shape} has {len(data)} bytes")
        numbers = np.frombuffer(data, kind)
        if self.columns_first:
            return np.ascontiguousarray(numbers.reshape(shape[::-1]).T)
        return numbers.reshape(shape).copy()


def _empty_array(kind: Any, _shape: Any, _code: Any) -> _Array:
    if kind != "ndarray":
        raise pickle.UnpicklingError("it contains something that is not an array")
    return _Array()


def _encoded(text: str, encoding: str) -> bytes:
    """The bytes of a text: protocol 2 stores bytes as latin-1."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds bytes as {encoding}")
    return text.encode("latin1")


def _damaged(why: str) -> Damaged:
    return Damaged(
        f"The weights are not a plain pickle of arrays: {why}.",
        "Do not use this file; get it again from its publisher.",
    )
